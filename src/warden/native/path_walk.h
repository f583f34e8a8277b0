/* The way of a path, name by name, as the kernel would go it for the caller. Slow: for paths that may touch procfs. */
#pragma once
#include "place.h"

/* Fills in `object`, `parent`, `name`, `status`, `kernel` and `own`. `flags` as place_find; of `how`, only
 * RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS. 0, or the errno that the caller is to see. */
int path_walk(const struct notice *notice, int base, const char *path, unsigned flags, uint64_t how,
              struct place *place);
