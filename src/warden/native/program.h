/* Running a program as the first process of a command. */
#pragma once
#include "protocol.gen.h"
#include "shepherd.h"

struct program {
    char *cwd;
    char **argv, **env;
};

/* False if the request is malformed; nothing is allocated then. */
bool program_decode(struct program *program, const struct msg_exec *request);
void program_free(struct program *program);
/* Becomes the program (task->request). Returns only on failure. */
stage program_run(const struct task *task);
