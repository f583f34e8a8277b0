/* The kernel's mount API by descriptors (mount_setattr(2) and its siblings), which no path can redirect. */
#pragma once
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>

/* openat2(2). */
int open_how(int directory, const char *path, uint64_t flags, uint64_t resolve);
/* A detached copy of the tree behind an O_PATH descriptor. -1: errno says why. */
int mount_copy(int object);
/* The same without what is mounted below it. */
int mount_only(int object);
/* A new detached filesystem; `options` are "key=value" or "key", separated by commas. */
int mount_new(const char *type, const char *options, uint64_t attributes);
/* Adds attributes to the mount and everything below it; or only to the mount. */
bool mount_attributes(int mount_fd, uint64_t attributes);
bool mount_only_attributes(int mount_fd, uint64_t attributes);
/* Shows the owners of a detached mount's files as the user namespace maps them. */
bool mount_map_ids(int mount_fd, int user_namespace);
/* Attaches a detached mount at the object behind an O_PATH descriptor. */
bool mount_move(int mount_fd, int target);
