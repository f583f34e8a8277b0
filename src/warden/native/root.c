#define _GNU_SOURCE
#include "root.h"
#include "mount_api.h"
#include "overlay.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Nobody writes there, and it is nearly empty: the root itself. */
#define ROOT_OPTIONS "size=1m,mode=0755"

static int root = -1;

static int resolve(int directory, const char *path, uint64_t flags, uint64_t resolve_flags) {
    return open_how(directory, path[0] == '/' ? path + 1 : path, flags, resolve_flags);
}

/* The target inside the new root. A workspace that is already mounted there may be full of symlinks: none is followed. */
static int open_target(const char *path) {
    return resolve(root, path[1] ? path : ".", O_PATH | O_CLOEXEC, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
}

/* The directory that holds `path`, made where it is missing. */
static int open_parent(const char *path, const char **name) {
    char part[4096];
    int at = dup(root);
    *name = path + 1;
    for (const char *slash; at >= 0 && (slash = strchr(*name, '/')); *name = slash + 1) {
        size_t size = (size_t)(slash - *name);
        if (size >= sizeof part)
            return errno = ENAMETOOLONG, -1;
        memcpy(part, *name, size);
        part[size] = 0;
        if (mkdirat(at, part, 0755) && errno != EEXIST)
            return -1;
        int next = resolve(at, part, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
        close(at);
        at = next;
    }
    return at;
}

static void make_directory(const struct mount_step *step) {
    const char *name;
    int parent = open_parent(step->target, &name);
    if (parent < 0 || (*name && mkdirat(parent, name, 0755) && errno != EEXIST))
        launch_fail(STAGE_MOUNT, step->target);
    close(parent);
}

static void make_file(const struct mount_step *step, struct slice data) {
    const char *name;
    int parent = open_parent(step->target, &name);
    /* Never opened if it is there: it may be a file of the host, or a FIFO that blocks. */
    int fd = parent < 0 ? -1 : openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
    if (fd < 0 && parent >= 0 && (errno == EEXIST || errno == EROFS) && data.size == 0)
        fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || (data.size && write(fd, data.data, data.size) != (ssize_t)data.size))
        launch_fail(STAGE_MOUNT, step->target);
    close(fd);
    close(parent);
}

static void make_symlink(const struct mount_step *step) {
    const char *name;
    int parent = open_parent(step->target, &name);
    if (parent < 0 || (symlinkat(step->source, parent, name) && errno != EEXIST))
        launch_fail(STAGE_MOUNT, step->target);
    close(parent);
}

/* ---- sources: taken before the new root covers anything ---- */

static uint64_t attributes_of(uint32_t flags) {
    return MOUNT_ATTR_NOSUID | (flags & MOUNT_FLAG_DEVICE ? 0 : MOUNT_ATTR_NODEV) |
           (flags & MOUNT_FLAG_READ_ONLY ? MOUNT_ATTR_RDONLY : 0) | (flags & MOUNT_FLAG_NO_EXEC ? MOUNT_ATTR_NOEXEC : 0);
}

static void take_source(struct mount_step *step, int workspace) {
    bool ours = step->flags & MOUNT_FLAG_WORKSPACE;
    int object = ours ? open_how(workspace, step->source, O_PATH | O_CLOEXEC, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)
                      : open_how(AT_FDCWD, step->source, O_PATH | O_CLOEXEC, RESOLVE_NO_SYMLINKS);
    if (object < 0 && (step->flags & MOUNT_FLAG_OPTIONAL) && errno == ENOENT)
        return;
    if (object >= 0)
        step->source_fd = mount_copy(object);
    if (step->source_fd >= 0 && step->identity >= 0 && !mount_map_ids(step->source_fd, step->identity))
        launch_fail(STAGE_MOUNT, "the owner of a volume");
    if (step->source_fd < 0 || !mount_attributes(step->source_fd, attributes_of(step->flags)))
        launch_fail(STAGE_MOUNT, step->source);
    close(object);
}

static int open_workspace(const struct launch_plan *plan) {
    if (plan->overlay)
        return overlay_mount(plan->overlay);
    if (!plan->workspace[0])
        return -1;
    /* The host has resolved these paths. A link in one now is somebody's trick. */
    int workspace = open_how(AT_FDCWD, plan->workspace, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_NO_SYMLINKS);
    if (workspace < 0)
        launch_fail(STAGE_MOUNT, plan->workspace);
    return workspace;
}

/* A folder that may be written and is missing, for the sandbox's user. What holds it was made before. */
static void make_in_workspace(const struct mount_step *step, int workspace, const struct msg_namespace *names) {
    bool rootful = names->flags & NAMESPACE_FLAG_ROOTFUL;
    const char *slash = strrchr(step->source, '/'), *name = slash ? slash + 1 : step->source;
    char *above = slash ? strndup(step->source, (size_t)(slash - step->source)) : strdup(".");
    int parent = above ? open_how(workspace, above, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)
                       : -1;
    if (parent < 0 || mkdirat(parent, name, 0755) ||
        (rootful && fchownat(parent, name, names->host_uid, names->host_gid, AT_SYMLINK_NOFOLLOW)))
        launch_fail(STAGE_MOUNT, step->source);
    close(parent);
    free(above);
}

static void take_sources(struct launch_plan *plan) {
    int workspace = open_workspace(plan);
    for (size_t i = 0; i < plan->count; i++) {
        struct mount_step *step = &plan->steps[i];
        if (step->kind == MOUNT_BIND)
            take_source(step, workspace);
        else if (step->kind == MOUNT_DIRECTORY && (step->flags & MOUNT_FLAG_WORKSPACE))
            make_in_workspace(step, workspace, &plan->names);
    }
    if (workspace >= 0)
        close(workspace);
}

/* ---- steps ---- */

static void attach(int mount_fd, const struct mount_step *step) {
    int target = open_target(step->target);
    if (target < 0 || mount_fd < 0 || !mount_move(mount_fd, target))
        launch_fail(STAGE_MOUNT, step->target);
    close(target);
    close(mount_fd);
}

static void place_bind(const struct mount_step *step) {
    if (step->source_fd < 0)
        return;
    struct stat object;
    if (fstat(step->source_fd, &object))
        launch_fail(STAGE_MOUNT, step->source);
    if (S_ISDIR(object.st_mode))
        make_directory(step);
    else
        make_file(step, (struct slice){0});
    attach(step->source_fd, step);
}

static void place_filesystem(const struct mount_step *step, const char *type) {
    char *options = slice_string(step->data);
    if (!options)
        launch_fail(STAGE_MOUNT, step->target);
    make_directory(step);
    attach(mount_new(type, options, attributes_of(step->flags)), step);
    free(options);
}

/* Hides a file or directory of the new root, if it is there. */
static void place_mask(const struct mount_step *step) {
    int target = open_target(step->target);
    if (target < 0 && errno == ENOENT)
        return;
    struct stat object;
    if (target < 0 || fstat(target, &object))
        launch_fail(STAGE_MOUNT, step->target);
    close(target);
    int null = open_target("/dev/null");
    int cover = S_ISDIR(object.st_mode) ? mount_new("tmpfs", "size=0,mode=0555", MOUNT_ATTR_RDONLY)
                                        : mount_copy(null);
    attach(cover, step);
    close(null);
}

/* Makes a directory of the new root read-only, if it is there. */
static void place_freeze(const struct mount_step *step) {
    int target = open_target(step->target);
    if (target < 0 && errno == ENOENT)
        return;
    int copy = target < 0 ? -1 : mount_copy(target);
    if (copy < 0 || !mount_attributes(copy, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV))
        launch_fail(STAGE_MOUNT, step->target);
    close(target);
    attach(copy, step);
}

static void place(const struct mount_step *step) {
    errno = EINVAL;
    if (step->target[0] != '/')
        launch_fail(STAGE_MOUNT, step->target);
    switch (step->kind) {
    case MOUNT_BIND: place_bind(step); break;
    case MOUNT_TMPFS: place_filesystem(step, "tmpfs"); break;
    case MOUNT_PROC: place_filesystem(step, "proc"); break;
    case MOUNT_DEVPTS: place_filesystem(step, "devpts"); break;
    case MOUNT_SYMLINK: make_symlink(step); break;
    case MOUNT_FILE: make_file(step, step->data); break;
    case MOUNT_DIRECTORY:
        if (!(step->flags & MOUNT_FLAG_WORKSPACE))
            make_directory(step);
        break;
    case MOUNT_OVERLAY: break; /* a source, and taken */
    case MOUNT_MASK: place_mask(step); break;
    case MOUNT_FREEZE: place_freeze(step); break;
    default: launch_fail(STAGE_MOUNT, "kind");
    }
}

static void attach_root(void) {
    /* Any directory serves: the mount namespace is ours, and the old tree goes as soon as the new one stands. */
    static const char *const places[] = {"/tmp", "/var/tmp", "/mnt", "/proc"};
    int mounted = mount_new("tmpfs", ROOT_OPTIONS, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    for (size_t i = 0; mounted >= 0 && root < 0 && i < sizeof places / sizeof *places; i++) {
        int place_fd = open(places[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (place_fd >= 0 && mount_move(mounted, place_fd))
            root = mounted;
        if (place_fd >= 0)
            close(place_fd);
    }
    if (root < 0)
        launch_fail(STAGE_ROOT, "tmpfs");
}

static void enter_root(void) {
    if (fchdir(root) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
        launch_fail(STAGE_ROOT, "pivot_root");
    int top = open("/", O_PATH | O_CLOEXEC);
    if (top < 0 || !mount_only_attributes(top, MOUNT_ATTR_RDONLY))
        launch_fail(STAGE_ROOT, "read-only");
    close(top);
    close(root);
}

void root_build(struct launch_plan *plan) {
    /* The owner's umask is not the sandbox's. */
    umask(022);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        launch_fail(STAGE_ROOT, "private");
    take_sources(plan);
    attach_root();
    for (size_t i = 0; i < plan->count; i++)
        place(&plan->steps[i]);
    enter_root();
}
