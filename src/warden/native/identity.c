#define _GNU_SOURCE
#include "identity.h"
#include "launch_plan.h"
#include "mount_api.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The largest id of Linux; the one after it means none. */
static const uint32_t LAST_ID = 0xfffffffe;

static size_t keep_ids(char *text, size_t room, uint32_t first, uint32_t last) {
    return first > last ? 0 : (size_t)snprintf(text, room, "%u %u %u\n", first, first, last - first + 1);
}

/* One id becomes another, and every other one stays: a map of user_namespaces(7) has no id twice. */
static void write_map(pid_t pid, const char *name, uint32_t from, uint32_t to) {
    char path[64], map[256];
    uint32_t low = from < to ? from : to, high = from < to ? to : from;
    size_t size = 0;
    if (low > 0)
        size += keep_ids(map, sizeof map, 0, low - 1);
    size += (size_t)snprintf(map + size, sizeof map - size, "%u %u 1\n", from, to);
    if (low < high)
        size += keep_ids(map + size, sizeof map - size, low + 1, high - 1);
    if (high < LAST_ID)
        size += keep_ids(map + size, sizeof map - size, high + 1, LAST_ID);
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, map, size) != (ssize_t)size)
        launch_fail(STAGE_USER, "the map of an owner");
    close(fd);
}

/* Stands for its user namespace until it is killed. */
static pid_t hold_namespace(void) {
    int peers[2];
    char byte;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, peers))
        launch_fail(STAGE_NAMESPACE, "socketpair");
    pid_t pid = fork();
    if (pid == 0) {
        launch_plan_own(NULL);
        close(peers[0]);
        if (unshare(CLONE_NEWUSER) || write(peers[1], "!", 1) != 1)
            _exit(1);
        /* The other end is closed when nobody needs it any more. */
        _exit(read(peers[1], &byte, 1) != 0);
    }
    close(peers[1]);
    if (pid < 0 || read(peers[0], &byte, 1) != 1)
        launch_fail(STAGE_NAMESPACE, "the namespace of an owner");
    return pid;
}

int identity_of_owner(const char *path, uint32_t uid, uint32_t gid) {
    struct stat owner;
    int folder = open_how(AT_FDCWD, path, O_PATH | O_CLOEXEC, RESOLVE_NO_SYMLINKS);
    if (folder < 0 || fstat(folder, &owner))
        launch_fail(STAGE_MOUNT, path);
    close(folder);
    pid_t pid = hold_namespace();
    write_map(pid, "uid_map", owner.st_uid, uid);
    write_map(pid, "gid_map", owner.st_gid, gid);
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/ns/user", pid);
    int identity = open(name, O_RDONLY | O_CLOEXEC);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (identity < 0)
        launch_fail(STAGE_USER, name);
    return identity;
}
