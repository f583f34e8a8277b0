/* The parent and subreaper of one command. */
#pragma once
#include "confine.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What a shepherd reports to the warden, one write each. */
enum { REPORT_STARTED = 1, REPORT_FAILED = 2, REPORT_EXITED = 3, REPORT_LISTENER = 4 };
struct report {
    uint32_t kind;
    uint32_t first;  /* pid, stage, or wait status */
    uint32_t second; /* errno */
};

/* Reads one report; `listener` is the descriptor that came with it, else -1. As read(2) otherwise. */
ssize_t shepherd_read(int report_fd, struct report *report, int *listener);

/* What the first process of a command is to be. */
struct task {
    const struct confinement *confinement;
    /* Where it is confined: runs the program or the operation. Returns the stage that failed, with errno; 0 is done. */
    stage (*run)(const struct task *task);
    const void *request;
    int stdio[3];
    bool ours;     /* a file operation, not a program */
    bool review;   /* of the host, which the policy does not bind: see floor_of_workspace() */
    bool terminal; /* stdio[0] is the terminal to become the controlling one */
};

/* Reserves the descriptors that shepherds use; once, before any other is opened. */
void shepherd_init(void);
/* Forks a shepherd, which forks the first process. The warden reads reports from `report_fd`. -1: errno says why. */
pid_t shepherd_start(const struct task *task, int *report_fd);
