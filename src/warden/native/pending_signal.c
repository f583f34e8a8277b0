#define _GNU_SOURCE
#include "pending_signal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ERESTARTSYS of the kernel: with SA_RESTART the call is made again, without it is interrupted. */
enum { RESTART_CALL = 512 };

static uint64_t mask_of(const char *status, const char *name) {
    const char *line = strstr(status, name);
    return line ? strtoull(line + strlen(name), NULL, 16) : 0;
}

bool signal_is_pending(const struct notice *notice, int *error) {
    char path[64], status[4096];
    snprintf(path, sizeof path, "/proc/%d/status", notice->tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, status, sizeof status - 1);
    close(fd);
    if (size <= 0)
        return false;
    status[size] = 0;
    uint64_t handled = mask_of(status, "\nSigCgt:") & ~mask_of(status, "\nSigBlk:");
    uint64_t own = mask_of(status, "\nSigPnd:"), shared = mask_of(status, "\nShdPnd:");
    const char *threads = strstr(status, "\nThreads:");
    if (!(handled & (own | shared)))
        return false;
    /* A restart is only seen by the kernel if this very thread takes the signal. */
    bool certain = (handled & own) || (threads && strtoul(threads + 9, NULL, 10) == 1);
    *error = certain ? RESTART_CALL : EINTR;
    return true;
}
