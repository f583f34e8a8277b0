#define _GNU_SOURCE
#include "volume.h"
#include "scratch.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* -1: errno says why. Whoever removed the volume in the same moment had its lock. */
static int take_lock(const char *path, int mode) {
    struct stat status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && flock(fd, mode | LOCK_NB) == 0 && fstat(fd, &status) == 0) {
        if (status.st_nlink > 0)
            return fd;
        errno = ENOENT;
    }
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

int volume_locks(const struct launch_plan *plan, int first) {
    int count = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct mount_step *step = &plan->steps[i];
        if (step->kind != MOUNT_BIND || step->data.size == 0)
            continue;
        char *path = slice_string(step->data);
        int fd = path ? take_lock(path, step->flags & MOUNT_FLAG_SHARED ? LOCK_SH : LOCK_EX) : -1;
        if (fd < 0 || dup2(fd, first + count) < 0)
            launch_fail(STAGE_VOLUME, step->source);
        close(fd);
        free(path);
        count++;
    }
    return count;
}

void volume_remove(const char *path) {
    char lock[4200], trash[4200];
    const char *slash = strrchr(path, '/');
    snprintf(lock, sizeof lock, "%s/lock", path);
    snprintf(trash, sizeof trash, "%.*s/.removed-%d-%s", (int)(slash - path), path, getpid(), slash + 1);
    int fd = take_lock(lock, LOCK_EX);
    /* Under its name it is whole, or gone. */
    if (fd >= 0 && rename(path, trash) == 0)
        scratch_remove(trash);
    if (fd >= 0)
        close(fd);
}
