/* One file operation of the host, done by the first process of a command: confined as any program, and as killable. */
#pragma once
#include "protocol.gen.h"
#include "shepherd.h"

struct file_operation {
    uint8_t operation;
    uint32_t flags, mode;
    uint64_t offset, length;
    char *path, *target;
};

/* False if the request is malformed; nothing is allocated then. */
bool file_operation_decode(struct file_operation *operation, const struct msg_file *request);
/* Whether it reads standard input. */
bool file_operation_reads(const struct msg_file *request);
void file_operation_free(struct file_operation *operation);
/* Does it (task->request), reading standard input and writing standard output. */
stage file_operation_run(const struct task *task);
