/* A command: a program or a file operation that the host asked for on a stream of the link, and all its descendants.
 *
 *     warden (PID 1) ── shepherd ── first process ── ...
 *
 * The shepherd is a fork of the warden and the subreaper of the command: whatever the command forks, however often it
 * forks twice or starts a session, stays below the shepherd. So a tree is known without trusting it, and it is killed
 * by killing its shepherd: what then falls to PID 1 has no shepherd, and is killed (reaper.h). An agent that kills a
 * shepherd itself kills only the command.
 */
#pragma once
#include "confine.h"
#include "loop.h"
#include "protocol.gen.h"
#include <sys/types.h>

/* One direction of output: a pipe or terminal that is read as far as the host granted. */
struct output {
    struct watch watch;
    uint32_t credit;
    uint8_t channel;
    /* Once the first process has exited: what was in the pipe then, and is still to be read. */
    uint32_t rest;
    bool discard; /* read on, forward nothing */
    bool ended;   /* the end was sent */
};

struct input {
    struct watch watch;
    struct buffer pending;
    uint32_t credit; /* that the host still holds */
    bool ending;
};

struct tables;

struct command {
    uint32_t stream;
    struct tables *tables; /* that it runs under */
    pid_t shepherd; /* 0: gone */
    pid_t first;    /* 0: not known yet */
    struct watch status;
    struct input input;
    struct output outputs[2];
    uint64_t deadline_ms; /* 0: none */
    bool ours; /* a file operation */
    bool terminal, first_exited, reported, killed, timed_out, sweeping;
    struct command *next;
};

void commands_init(const struct confinement *confinement);
/* The stream is new. */
void command_exec(uint32_t stream, const struct msg_exec *request);
void command_file(uint32_t stream, const struct msg_file *request);
/* NULL: no such stream, for instance because it is gone while the host's frame was under way. */
struct command *command_find(uint32_t stream);
void command_data(struct command *command, struct slice data);
void command_input_end(struct command *command);
void command_credit(struct command *command, uint8_t channel, uint32_t bytes);
void command_discard(struct command *command, uint8_t channel);
void command_signal(struct command *command, uint32_t number);
void command_resize(struct command *command, uint32_t rows, uint32_t columns);
void command_kill(struct command *command);

/* Ends the stream if its tree is dead and everything that there was to say was said. The command is invalid then. */
void end_if_over(struct command *command);

/* For the reaper. */
struct command *command_first(void);
/* A child of the warden was reaped: a shepherd, or something that fell to PID 1. */
void commands_reaped(pid_t pid, int status);
/* Everything below dead shepherds is dead too. */
void commands_swept(void);

/* For the main loop: kills what is over its time; milliseconds to the next deadline, -1 if there is none. */
int commands_expire(void);
/* The link has room again. */
void commands_resume(void);
