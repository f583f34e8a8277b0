/* What agents try; each prints what came of it. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct scenario {
    const char *name;
    uint32_t flags; /* POLICY_FLAG_* in addition */
    void (*run)(int rounds);
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;
