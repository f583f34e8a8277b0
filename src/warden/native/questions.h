/* What a supervisor has asked the host about, and waits for; in its own thread. */
#pragma once
#include "supervisor.h"

/* The supervisor that a question is of. */
unsigned question_supervisor(uint32_t question);
/* A number of no question that leads to the supervisor. */
uint32_t supervisor_number(const struct supervisor *supervisor);
/* NULL: it was answered, or given up, already. */
struct request *question_find(struct supervisor *supervisor, uint32_t question);
/* Gives up what took too long, and what nobody waits for any more. */
void questions_look(struct supervisor *supervisor);
