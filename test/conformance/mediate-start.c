/* Calls that start a program: this one, which then says OK. */
#define _GNU_SOURCE
#include "mediate.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char *const ARGUMENTS[] = {"mediate", "ran", NULL};
static char *const NO_VARIABLES[] = {NULL};

static long start_at(int directory, const char *path, int flags) {
    return syscall(SYS_execveat, directory, path, ARGUMENTS, NO_VARIABLES, flags);
}

CALL(start) { ONE; return syscall(SYS_execve, one->plain, ARGUMENTS, NO_VARIABLES); }
CALL(start_relative) { ONE; return start_at(one->directory, one->path, 0); }
CALL(start_open) { ONE; return start_at(openat(one->directory, one->path, O_PATH), "", AT_EMPTY_PATH); }

CALL(start_through_proc) {
    ONE;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", openat(one->directory, one->path, O_PATH));
    return syscall(SYS_execve, path, ARGUMENTS, NO_VARIABLES);
}

static int copy_to_memory(const struct name *one, unsigned flags) {
    char bytes[65536];
    int from = open_for_reading(one), to = memfd_create("program", flags);
    if (from < 0 || to < 0)
        return -1;
    for (ssize_t size; (size = read(from, bytes, sizeof bytes)) > 0;)
        if (write(to, bytes, (size_t)size) != size)
            return -1;
    close(from);
    return to;
}

/* From memory that has no name, by its descriptor and by procfs. */
CALL(start_memory) {
    ONE;
    int fd = copy_to_memory(one, MFD_CLOEXEC);
    return fd < 0 ? -1 : start_at(fd, "", AT_EMPTY_PATH);
}
CALL(start_memory_proc) {
    ONE;
    char path[64];
    int fd = copy_to_memory(one, 0);
    if (fd < 0)
        return -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return syscall(SYS_execve, path, ARGUMENTS, NO_VARIABLES);
}

/* From a file that lost its name. `other` is where the copy was. */
CALL(start_unlinked) {
    char bytes[65536];
    int from = open_for_reading(one), to = openat(other->directory, other->path, O_WRONLY | O_CREAT | O_EXCL, 0755);
    if (from < 0 || to < 0)
        return -1;
    for (ssize_t size; (size = read(from, bytes, sizeof bytes)) > 0;)
        if (write(to, bytes, (size_t)size) != size)
            return -1;
    close(to);
    int image = openat(other->directory, other->path, O_PATH);
    if (image < 0 || unlinkat(other->directory, other->path, 0))
        return -1;
    return start_at(image, "", AT_EMPTY_PATH);
}

const struct call start_calls[] = {
    {"execve", start},
    {"execveat", start_relative},
    {"execveat-descriptor", start_open},
    {"execve-proc", start_through_proc},
    {"memory", start_memory},
    {"memory-proc", start_memory_proc},
    {"unlinked", start_unlinked},
    {0},
};
