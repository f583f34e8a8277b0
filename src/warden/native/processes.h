/* The processes of the sandbox, from /proc. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
    pid_t pid, parent;
    bool zombie;
};

struct processes {
    struct process *list; /* by pid, ascending */
    size_t count;
};

struct processes processes_look(void);
/* The pid that was given last; 0: not known. While it stays, nothing was forked. */
long processes_newest(void);
const struct process *processes_find(const struct processes *all, pid_t pid);
/* One line of /proc/PID/stat, by itself; `name` is the PID. */
bool processes_parse(const char *name, const char *line, struct process *process);
void processes_free(struct processes *all);
