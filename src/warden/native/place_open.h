/* Opening without following what leads to the kernel's own objects. */
#pragma once
#include <stdint.h>

/* openat2 for O_PATH: flags and RESOLVE_* beside those that always hold. */
int open_at(int base, const char *path, int flags, uint64_t resolve);
