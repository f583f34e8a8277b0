/* Decisions on their way to the host's audit: equal ones are counted, none is dropped. */
#pragma once
#include "bytes.h"
#include "request.h"

struct decision {
    const struct notice *notice;
    pid_t pid; /* 0: the notice tells */
    uint8_t domain, action, verdict, reason;
    uint32_t rule, microseconds;
    const char *path, *target;
    char *const *argv; /* NULL: none */
};

/* Any thread but the main one, for which it would wait. */
void record_decision(const struct decision *decision);
/* Main thread. False: a flush has to make room first. */
bool record_now(const struct decision *decision);
/* How long those that lie there may wait for more of their kind; -1: there are none. */
int records_wait_ms(void);
/* Main thread: calls `send` for each frame; nothing is left then. */
void records_flush(void (*send)(uint8_t type, struct slice payload));
