#define _GNU_SOURCE
#include "overlay.h"
#include "mount_api.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The host has resolved the path. A link in it now is somebody's trick. */
static int open_lower(const char *path) {
    int lower = open_how(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_NO_SYMLINKS);
    if (lower < 0)
        launch_fail(STAGE_MOUNT, path);
    return lower;
}

/* ---- whose files they are ---- */

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
        launch_fail(STAGE_USER, "the map of the workspace's owner");
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
        launch_fail(STAGE_NAMESPACE, "the namespace of the workspace's owner");
    return pid;
}

int overlay_identity(const char *path, uint32_t uid, uint32_t gid) {
    struct stat owner;
    int lower = open_lower(path);
    if (fstat(lower, &owner))
        launch_fail(STAGE_MOUNT, path);
    close(lower);
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

/* ---- the mount ---- */

static int open_part(int folder, const char *name) {
    int part = open_how(folder, name, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    if (part < 0)
        launch_fail(STAGE_MOUNT, name);
    return part;
}

/* The lower folder as its owner's who is now the sandbox's user. Attached, for a layer has to be in a mount namespace. */
static int map_lower(int lower, int folder, int identity) {
    int mapped = mount_only(lower), place = open_part(folder, "lower");
    if (mapped < 0 || !mount_map_ids(mapped, identity) || !mount_move(mapped, place))
        launch_fail(STAGE_MOUNT, "the owner of the workspace");
    close(place);
    close(lower);
    return mapped;
}

/* The folder's own redirects and metadata are not followed: somebody may have written them there. Without privileges the
 * kernel keeps its notes in attributes of the user's, and follows none anyway. */
#define AS_ROOT "redirect_dir=nofollow,metacopy=off,index=off"
#define AS_USER "userxattr"

int overlay_mount(const struct mount_step *step, int identity) {
    char *path = slice_string(step->data), options[512];
    int folder = path ? open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (folder < 0)
        launch_fail(STAGE_MOUNT, "the private folder");
    int lower = open_lower(step->source), upper = open_part(folder, "upper"), work = open_part(folder, "work");
    int merged = open_part(folder, "merged");
    if (identity >= 0)
        lower = map_lower(lower, folder, identity);
    /* Descriptors, so that no path has to be escaped, and none can be given to something else meanwhile. */
    snprintf(options, sizeof options, "lowerdir=/proc/self/fd/%d,upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d,%s",
             lower, upper, work, identity >= 0 ? AS_ROOT : AS_USER);
    int mounted = mount_new("overlay", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (mounted < 0 || !mount_move(mounted, merged))
        launch_fail(STAGE_MOUNT, "overlay");
    close(merged);
    close(work);
    close(upper);
    close(lower);
    close(folder);
    free(path);
    return mounted;
}
