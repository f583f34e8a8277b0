/* The steps that turn a fork of the warden into a process that may run what nobody trusts. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

struct confinement {
    bool unix_sockets;
    bool sealed_memory_only; /* files in memory must not be executable */
    unsigned traps;          /* groups of calls that the supervisor sees: TRAP_* */
    int ruleset;             /* Landlock */
    /* Where no cgroup holds the limits; 0 is no limit. */
    uint64_t data_bytes, processes;
    uint32_t cpus;
    /* What the warden was started with. */
    struct rlimit descriptors;
};

/* The stage (STAGE_*) that a step belongs to, for the report of a failure. */
typedef uint32_t stage;

/* Confines the caller. `listener` is where its trapped calls are heard, -1 if none are. 0, or the stage that failed, with
 * errno. */
stage confine(const struct confinement *confinement, int *listener);
/* Whether the caller holds no capability at all and can never gain one; else the stage, with errno. */
stage check_unprivileged(void);
/* Gives up every capability. False: errno says why. */
bool drop_capabilities(void);
