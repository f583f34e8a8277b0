#define _GNU_SOURCE
#include "place_open.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

int open_at(int base, const char *path, int flags, uint64_t resolve) {
    struct open_how how = {
        .flags = (unsigned)(O_PATH | O_CLOEXEC | flags),
        .resolve = resolve | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, base, path, &how, sizeof how);
}
