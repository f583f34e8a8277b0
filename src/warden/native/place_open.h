/* Opening without following what leads to the kernel's own objects. */
#pragma once
#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

/* openat2 for O_PATH: flags and RESOLVE_* beside those that always hold. */
int open_at(int base, const char *path, int flags, uint64_t resolve);
/* The path of what is open, by the kernel; for some objects it is no path. 0, or an errno. */
int path_of(int fd, char path[PATH_MAX]);
