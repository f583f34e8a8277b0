/* The channels of a command: output is read as far as the host granted, input is written as far as the child reads. */
#pragma once
#include "command.h"

void output_ready(struct watch *watch, uint32_t events);
void input_ready(struct watch *watch, uint32_t events);
/* Says, once, that nothing more comes on this channel. */
void output_end(struct command *command, struct output *output);
/* Watches the output if it may be read now. */
void output_pace(struct output *output);
/* The first process has exited: remembers how much of its output is still to be read. */
void output_measure(struct command *command);
/* The same for both, and finishes those of a command that has exited. */
void outputs_pace(struct command *command);
