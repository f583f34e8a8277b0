#define _GNU_SOURCE
#include "overlay.h"
#include "mount_api.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The host has resolved the path. A link in it now is somebody's trick. */
static int open_lower(const char *path) {
    int lower = open_how(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_NO_SYMLINKS);
    if (lower < 0)
        launch_fail(STAGE_MOUNT, path);
    return lower;
}

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

int overlay_mount(const struct mount_step *step) {
    char *path = slice_string(step->data), options[512];
    int folder = path ? open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (folder < 0)
        launch_fail(STAGE_MOUNT, "the private folder");
    int lower = open_lower(step->source), upper = open_part(folder, "upper"), work = open_part(folder, "work");
    int merged = open_part(folder, "merged");
    bool as_root = step->identity >= 0;
    if (as_root)
        lower = map_lower(lower, folder, step->identity);
    /* Descriptors, so that no path has to be escaped, and none can be given to something else meanwhile. */
    snprintf(options, sizeof options, "lowerdir=/proc/self/fd/%d,upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d,%s",
             lower, upper, work, as_root ? AS_ROOT : AS_USER);
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
