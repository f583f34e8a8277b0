/* The system calls that no command in the sandbox may make, as a BPF program. */
#pragma once
#include <stdbool.h>

struct seccomp_options {
    /* Whether AF_UNIX sockets may be made; where sockets of the host are in reach they may not. */
    bool unix_sockets;
};

/* Puts the filter on the caller for good. False: errno says why. */
bool seccomp_enter(const struct seccomp_options *options);
