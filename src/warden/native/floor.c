#define _GNU_SOURCE
#include "floor.h"
#include "landlock.h"
#include "trusted_path.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int workspace_fd = -1, ruleset = -1, thread_ruleset = -1;
static struct msg_ready counts;

void floor_set_workspace(struct slice workspace) {
    char *path = slice_string(workspace);
    if (path && path[0])
        workspace_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    free(path);
}

/* The warden's threads look at their callers in procfs. */
static bool grant_procfs(void) {
    int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool granted = fd >= 0 && landlock_grant(thread_ruleset, fd, ACCESS_READ);
    if (fd >= 0)
        close(fd);
    return granted;
}

bool floor_begin(void) {
    counts = (struct msg_ready){0};
    if (ruleset >= 0)
        close(ruleset);
    if (thread_ruleset >= 0)
        close(thread_ruleset);
    ruleset = landlock_begin();
    thread_ruleset = landlock_begin();
    return ruleset >= 0 && thread_ruleset >= 0 && grant_procfs();
}

/* A symlink in the workspace is somebody else's word: it must not widen a grant past the workspace. */
static int open_object(const char *path, uint32_t flags) {
    if (!(flags & RULE_FLAG_WORKSPACE))
        return trusted_path_open(path);
    struct open_how how = {
        .flags = O_PATH | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    return (int)syscall(SYS_openat2, workspace_fd, path, &how, sizeof how);
}

bool floor_add(const char *path, uint8_t access, uint32_t flags) {
    if (access < ACCESS_READ || access > ACCESS_DEVICE) {
        errno = EINVAL;
        return false;
    }
    int fd = open_object(path, flags);
    if (fd < 0) {
        if (!(flags & RULE_FLAG_OPTIONAL) || (errno != ENOENT && errno != ENOTDIR && errno != ELOOP))
            return false;
        counts.skipped++;
        return true;
    }
    bool granted = landlock_grant(ruleset, fd, access) && landlock_grant(thread_ruleset, fd, access);
    int error = errno;
    close(fd);
    errno = error;
    counts.rules += granted;
    return granted;
}

struct msg_ready floor_finish(int *finished, int *threads) {
    *finished = ruleset;
    *threads = thread_ruleset;
    ruleset = thread_ruleset = -1;
    return counts;
}

int floor_of_workspace(void) {
    int own = landlock_begin();
    if (own >= 0 && landlock_grant(own, workspace_fd, ACCESS_WRITE))
        return own;
    int error = errno;
    if (own >= 0)
        close(own);
    errno = error;
    return -1;
}
