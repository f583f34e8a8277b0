/* A workspace as an overlay: the host's folder below, which nobody changes, and a private folder above it. See the
 * kernel's Documentation/filesystems/overlayfs.rst. */
#pragma once
#include "launch_plan.h"

/* A user namespace in which the owner of the folder at `path` is the user `uid` of the host, and everybody else who they
 * are: what an idmapped mount is made with. Only for root. */
int overlay_identity(const char *path, uint32_t uid, uint32_t gid);
/* Mounts it in the private folder of the step. `identity` is -1 where the sandbox's user owns what may be written. The
 * descriptor is that of the merged tree. */
int overlay_mount(const struct mount_step *step, int identity);
