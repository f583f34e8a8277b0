#define _GNU_SOURCE
#include "caller.h"
#include "caller_cards.h"
#include "caller_status.h"
#include "closer.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STRICTEST_UMASK = 0077 };

/* The number of a thread that ended may be another's already. */
static int only_of_caller(const struct notice *notice, int fd) {
    if (fd >= 0 && !notice_is_live(notice)) {
        closer_close(fd);
        fd = -1;
        errno = ESRCH;
    }
    return fd;
}

int caller_open(const struct notice *notice, int fd) {
    char path[64];
    if (fd == AT_FDCWD) {
        snprintf(path, sizeof path, "/proc/%d/cwd", notice->tid);
    } else if (fd >= 0) {
        snprintf(path, sizeof path, "/proc/%d/fd/%d", notice->tid, fd);
    } else {
        errno = EBADF;
        return -1;
    }
    int object = open(path, O_PATH | O_CLOEXEC);
    if (object < 0 && errno == ENOENT)
        errno = fd == AT_FDCWD ? ESRCH : EBADF;
    return only_of_caller(notice, object);
}

bool caller_only_names(const struct notice *notice, int fd) {
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", notice->tid, fd);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0)
        close(file);
    text[size < 0 ? 0 : size] = 0;
    const char *flags = strstr(text, "\nflags:");
    return flags && strtoul(flags + strlen("\nflags:"), NULL, 8) & O_PATH;
}

size_t caller_working_path(const struct notice *notice, char *path, size_t capacity) {
    static const char deleted[] = " (deleted)";
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/cwd", notice->tid);
    ssize_t size = readlink(link, path, capacity);
    size_t added = sizeof deleted - 1;
    if (size <= 0 || (size_t)size == capacity || path[0] != '/' ||
        ((size_t)size > added && memcmp(path + (size_t)size - added, deleted, added) == 0))
        return 0;
    return (size_t)size;
}

/* A thread may have a table of descriptors of its own, which a process-wide look does not show. */
static bool is_what_thread_has(const struct notice *notice, int fd, int taken) {
    char path[64];
    struct stat own, got;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", notice->tid, fd);
    return stat(path, &own) == 0 && fstat(taken, &got) == 0 && own.st_dev == got.st_dev && own.st_ino == got.st_ino;
}

static int take_by_process(const struct notice *notice, int fd) {
    int process = (int)syscall(SYS_pidfd_open, caller_process(notice), 0);
    if (process < 0)
        return -1;
    int taken = (int)syscall(SYS_pidfd_getfd, process, fd, 0), error = errno;
    close(process);
    if (taken >= 0 && !is_what_thread_has(notice, fd, taken)) {
        closer_close(taken);
        taken = -1;
        error = EBADF;
    }
    errno = error;
    return taken;
}

/* By the descriptor of the thread; ESRCH: that one has ended, and another may have its number. */
static int take_by_thread(const struct notice *notice, int fd) {
    int thread = card_of(notice);
    return thread < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, thread, fd, 0);
}

int caller_peek_descriptor(const struct notice *notice, int fd) {
    if (fd < 0) {
        errno = EBADF;
        return -1;
    }
    int taken = take_by_thread(notice, fd);
    if (taken < 0 && errno == ESRCH) {
        card_forget(notice);
        taken = take_by_thread(notice, fd);
    }
    if (taken < 0 && errno == EINVAL)
        taken = take_by_process(notice, fd);
    return taken;
}

int caller_descriptor(const struct notice *notice, int fd) {
    return only_of_caller(notice, caller_peek_descriptor(notice, fd));
}

int caller_directory(const struct notice *notice, int fd, int *other) {
    *other = -1;
    if (fd < 0)
        return caller_open(notice, fd);
    struct stat found;
    int taken = caller_descriptor(notice, fd);
    if (taken < 0 && errno != EBADF)
        return caller_open(notice, fd);
    if (taken < 0 || (fstat(taken, &found) == 0 && S_ISDIR(found.st_mode)))
        return taken;
    *other = taken;
    errno = ENOTDIR;
    return -1;
}

/* What PIDFD_GET_INFO says first, since Linux 6.13. */
struct thread_info {
    uint64_t mask, cgroup;
    uint32_t thread, process, parent, users[8];
    int32_t exit_code;
};
_Static_assert(sizeof(struct thread_info) == 64, "the kernel knows it by its size");

static pid_t ask_process(const struct notice *notice) {
    struct thread_info info = {.mask = 1};
    int thread = card_of(notice);
    if (thread < 0 || ioctl(thread, _IOWR(0xff, 11, struct thread_info), &info) || !(info.mask & 1)) {
        card_forget(notice);
        return 0;
    }
    return info.thread == (uint32_t)notice->tid ? (pid_t)info.process : 0;
}

/* Most callers are the first thread of their process, which has the process's number: one call tells. */
static bool is_first_thread(pid_t tid) { return syscall(SYS_tgkill, tid, tid, 0) == 0; }

pid_t caller_peek_process(const struct notice *notice) {
    char text[STATUS_BYTES];
    if (is_first_thread(notice->tid))
        return notice->tid;
    pid_t process = ask_process(notice);
    if (process == 0 && status_read(notice->tid, text))
        process = (pid_t)status_number(text, "\nTgid:", 10);
    return process;
}

pid_t caller_process(const struct notice *notice) {
    pid_t process = caller_peek_process(notice);
    return notice_is_live(notice) ? process : 0;
}

mode_t caller_umask(const struct notice *notice) {
    char text[STATUS_BYTES];
    if (!status_read(notice->tid, text) || !notice_is_live(notice))
        return STRICTEST_UMASK;
    long mask = status_number(text, "\nUmask:", 8);
    return mask < 0 ? STRICTEST_UMASK : (mode_t)mask & 0777;
}

void caller_binary(const struct notice *notice, char path[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/exe", notice->tid);
    ssize_t size = readlink(link, path, PATH_MAX);
    bool told = size > 0 && size < PATH_MAX && notice_is_live(notice);
    path[told ? size : 0] = 0;
}
