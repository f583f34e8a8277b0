/* What the host asked the launcher to build. */
#pragma once
#include "protocol.gen.h"
#include <sys/types.h>

struct mount_step {
    uint8_t kind;
    uint32_t flags;
    char *source, *target;
    struct slice data;
    int source_fd; /* of a bind: its detached copy */
};

struct launch_plan {
    struct msg_namespace names;
    char *hostname, *workspace, *scratch;
    char **cgroups;
    struct mount_step *steps;
    size_t count;
};

/* Reads up to and including `enter`, and not a byte more: what follows is the warden's. Ends the process on nonsense. */
void launch_plan_read(struct launch_plan *plan);

/* Tells the host why nothing came of it (with errno), and ends. */
__attribute__((noreturn)) void launch_fail(uint32_t stage, const char *subject);
