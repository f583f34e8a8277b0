/* The work of copying a tree, folder by folder, in any number of threads. A failure is told to the host, and ends the process. */
#pragma once
#include "grants.h"
#include <stdbool.h>
#include <stdint.h>

struct copy_manner {
    bool chown; /* owners are set: what may only be read belongs to root */
    uint32_t uid, gid;
    bool survey; /* nothing is copied: what there is is told */
};

/* Once, before any thread: from where to where, and how. */
void copy_begin(const char *source, const char *target, struct granted top, struct copy_manner how);
/* In every thread: copies until nothing is left. */
void copy_folders(void);
