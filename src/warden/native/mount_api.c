#define _GNU_SOURCE
#include "mount_api.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int open_how(int directory, const char *path, uint64_t flags, uint64_t resolve) {
    struct open_how how = {.flags = flags, .resolve = resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

static int clone_tree(int object, unsigned flags) {
    return (int)syscall(SYS_open_tree, object, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | flags);
}

int mount_copy(int object) { return clone_tree(object, AT_RECURSIVE); }
int mount_only(int object) { return clone_tree(object, 0); }

static bool set_option(int context, char *option) {
    char *value = strchr(option, '=');
    if (!value)
        return syscall(SYS_fsconfig, context, FSCONFIG_SET_FLAG, option, NULL, 0) == 0;
    *value = 0;
    return syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, option, value + 1, 0) == 0;
}

int mount_new(const char *type, const char *options, uint64_t attributes) {
    char copy[1024];
    if (strlen(options) >= sizeof copy) {
        errno = E2BIG;
        return -1;
    }
    strcpy(copy, options);
    int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
    bool good = context >= 0;
    char *rest = copy;
    for (char *option; good && (option = strsep(&rest, ","));)
        good = !*option || set_option(context, option);
    good = good && syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0;
    int mounted = good ? (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes) : -1;
    int error = errno;
    if (context >= 0)
        close(context);
    errno = error;
    return mounted;
}

static bool set_attributes(int mount_fd, uint64_t attributes, unsigned flags) {
    struct mount_attr change = {.attr_set = attributes};
    return syscall(SYS_mount_setattr, mount_fd, "", AT_EMPTY_PATH | flags, &change, sizeof change) == 0;
}

bool mount_attributes(int mount_fd, uint64_t attributes) { return set_attributes(mount_fd, attributes, AT_RECURSIVE); }
bool mount_only_attributes(int mount_fd, uint64_t attributes) { return set_attributes(mount_fd, attributes, 0); }

bool mount_map_ids(int mount_fd, int user_namespace) {
    struct mount_attr change = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user_namespace};
    return syscall(SYS_mount_setattr, mount_fd, "", AT_EMPTY_PATH, &change, sizeof change) == 0;
}

bool mount_move(int mount_fd, int target) {
    unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    return syscall(SYS_move_mount, mount_fd, "", target, "", flags) == 0;
}
