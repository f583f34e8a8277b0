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
    int identity;  /* the user namespace that maps the owner of the source; -1: none does */
};

/* A path of the host that goes with the sandbox. */
struct owned_path {
    uint8_t kind;
    char *path;
};

enum { OWNED_MAX = 16 };

struct launch_plan {
    struct msg_namespace names;
    char *hostname, *workspace;
    char **cgroups; /* to join */
    struct owned_path owned[OWNED_MAX];
    size_t owned_count;
    struct mount_step *steps;
    size_t count;
    const struct mount_step *overlay; /* what makes the workspace one; NULL without */
};

/* Reads up to and including `enter`, and not a byte more: what follows is the warden's. False: the host went away, or
 * sent nonsense. */
bool launch_plan_read(struct launch_plan *plan);
/* Removes what the plan owns, as far as it was made. */
void launch_plan_release(const struct launch_plan *plan);

/* Whose launch_fail releases what the plan owns: the outer half's. NULL: nobody's. */
void launch_plan_own(const struct launch_plan *plan);
/* Tells the host why nothing came of it (with errno), and ends. */
__attribute__((noreturn)) void launch_fail(uint32_t stage, const char *subject);
