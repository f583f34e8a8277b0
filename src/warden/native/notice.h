/* One trapped system call, and the ways to answer it. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tables;

struct notice {
    int listener;
    uint64_t id;
    pid_t tid;
    int number;
    uint64_t arguments[6];
    uint32_t stream;            /* the command that it belongs to */
    bool ours; /* a file operation of the host, which records itself what comes of it */
    const struct tables *tables; /* that the command runs under */
};

/* Whether the caller still waits for the answer: what was read from it is its own then. */
bool notice_is_live(const struct notice *notice);
/* Each answers once; an answer for a caller that is gone does nothing. */
void notice_fail(const struct notice *notice, int error);
void notice_return(const struct notice *notice, int64_t value);
/* Only where nothing that the caller could change meanwhile was judged. */
void notice_continue(const struct notice *notice);
/* Gives the caller a copy of `fd`, which stays ours, as the call's result. False: errno; nothing was answered then. */
bool notice_give(const struct notice *notice, int fd, bool close_on_exec);
