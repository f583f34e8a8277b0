/* A workspace as an overlay: the host's folder below, which nobody changes, and a private folder above it. See the
 * kernel's Documentation/filesystems/overlayfs.rst. */
#pragma once
#include "launch_plan.h"

/* Mounts it in the private folder of the step. The descriptor is that of the merged tree. */
int overlay_mount(const struct mount_step *step);
