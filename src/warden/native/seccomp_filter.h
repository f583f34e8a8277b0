/* The system calls that no command in the sandbox may make, as a BPF program. */
#pragma once
#include <stdbool.h>

struct seccomp_options {
    /* Whether AF_UNIX sockets may be made; where sockets of the host are in reach they may not. */
    bool unix_sockets;
    /* Whether memfd_create must promise that nothing in it is ever executed. */
    bool sealed_memory_only;
    unsigned traps; /* TRAP_* of calls.h */
};

/* Puts the filter on the caller for good. `listener` hears the trapped calls; -1 if there are none. False: errno says why. */
bool seccomp_enter(const struct seccomp_options *options, int *listener);
