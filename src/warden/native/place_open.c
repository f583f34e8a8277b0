#define _GNU_SOURCE
#include "place_open.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int open_at(int base, const char *path, int flags, uint64_t resolve) {
    struct open_how how = {
        .flags = (unsigned)(O_PATH | O_CLOEXEC | flags),
        .resolve = resolve | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, base, path, &how, sizeof how);
}

int path_of(int fd, char path[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, PATH_MAX);
    if (size <= 0 || size == PATH_MAX)
        return size < 0 ? errno : size == 0 ? ENOENT : ENAMETOOLONG;
    path[size] = 0;
    return 0;
}
