#define _GNU_SOURCE
#include "place.h"
#include "path_walk.h"
#include "place_mounts.h"
#include "own_descriptors.h"
#include "place_open.h"
#include "place_zone.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* No errno: one look is not enough, for the way may touch procfs. */
enum { HAS_TO_WALK = -1 };
/* What only the kernel can hold to. */
#define KERNEL_ONLY ((uint64_t)(RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_NO_XDEV))

void place_close(struct place *p) {
    if (p->object >= 0)
        close(p->object);
    if (p->parent >= 0)
        close(p->parent);
    p->object = p->parent = -1;
}

/* ---- the usual way: the kernel goes it, for us ---- */

/* Whether the caller would see the same error. What we meet in procfs is not what it meets. */
static bool is_callers_error(int error, int base, const char *path, uint64_t how) {
    struct stat start;
    if (how & KERNEL_ONLY)
        return true;
    if (error == ELOOP || words_enter_procfs(path))
        return false;
    if (path[0] != '/' && (fstat(base, &start) || is_procfs(base, &start)))
        return false;
    /* With no symlink on the way either, it stays outside. */
    int fd = open_at(base, path, O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
    int again = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return again == error;
}

static int look(int base, const char *path, int flags, uint64_t how, int *fd, struct stat *status) {
    *fd = open_at(base, path, flags, how);
    if (*fd < 0) {
        int error = errno;
        return is_callers_error(error, base, path, how) ? error : HAS_TO_WALK;
    }
    if (fstat(*fd, status))
        return errno;
    return is_procfs(*fd, status) ? HAS_TO_WALK : 0;
}

static int find_object(int base, const char *path, unsigned flags, uint64_t how, struct place *p) {
    return look(base, path, flags & PLACE_FOLLOW ? 0 : O_NOFOLLOW, how, &p->object, &p->status);
}

static bool ends_in_no_name(const char *name) {
    return name[0] == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Cuts a path into what is before its last name, and the name. */
static int split(const char *path, char before[PATH_MAX], char name[NAME_MAX + 1], bool *slash) {
    const char *end = path + strlen(path);
    while (end > path && end[-1] == '/')
        end--;
    *slash = *end == '/';
    const char *start = end;
    while (start > path && start[-1] != '/')
        start--;
    size_t size = (size_t)(end - start), above = (size_t)(start - path);
    if (size > NAME_MAX)
        return ENAMETOOLONG;
    memcpy(name, start, size);
    name[size] = 0;
    memcpy(before, above ? path : ".", above ? above : 1);
    before[above ? above : 1] = 0;
    return 0;
}

static int find_entry(int base, const char *path, unsigned flags, uint64_t how, struct place *p) {
    char before[PATH_MAX];
    struct stat above;
    bool slash;
    int error = split(path, before, p->name, &slash);
    if (error)
        return error;
    if (ends_in_no_name(p->name)) {
        p->name[0] = 0;
        return find_object(base, path, flags, how, p);
    }
    error = look(base, before, O_DIRECTORY, how, &p->parent, &above);
    if (error)
        return error;
    p->slash = slash;
    if (slash && flags & PLACE_FOLLOW)
        return EISDIR;
    p->object = open_at(p->parent, p->name, O_NOFOLLOW, how);
    if (p->object < 0)
        return errno == ENOENT ? 0 : errno;
    if (fstat(p->object, &p->status))
        return errno;
    if (is_procfs(p->object, &p->status))
        return HAS_TO_WALK;
    if (S_ISLNK(p->status.st_mode) && flags & PLACE_FOLLOW) {
        place_close(p);
        p->name[0] = 0;
        /* What such a link leads to is opened, not made. */
        return how & KERNEL_ONLY ? find_object(base, path, flags, how, p) : HAS_TO_WALK;
    }
    return slash && !S_ISDIR(p->status.st_mode) && !(flags & PLACE_MAKE) ? ENOTDIR : 0;
}

/* ---- an open descriptor ---- */

static int find_base(const struct notice *notice, int base, struct place *p) {
    enum zone zone;
    p->object = base < 0 ? -1 : reopen(base, O_PATH, 0);
    if (p->object < 0 || fstat(p->object, &p->status))
        return base < 0 ? EBADF : errno;
    int error = zone_of(notice, p->object, &p->status, &zone);
    p->kernel = zone != ZONE_ORDINARY;
    p->own = zone == ZONE_OWN;
    return error;
}

/* ---- what it is called ---- */

/* Takes off what the kernel adds to the path of what has no name any more. A name may really end so. */
static bool take_off_deleted(int fd, char *path) {
    static const char deleted[] = " (deleted)";
    size_t size = strlen(path), added = sizeof deleted - 1;
    struct stat object, named;
    if (size <= added || strcmp(path + size - added, deleted) != 0)
        return false;
    if (fstat(fd, &object) == 0 && lstat(path, &named) == 0 && object.st_dev == named.st_dev &&
        object.st_ino == named.st_ino)
        return false;
    path[size - added] = 0;
    return true;
}

static int tell_path(struct place *p) {
    int fd = p->parent >= 0 ? p->parent : p->object;
    int error = path_of(fd, p->path);
    if (error)
        return error;
    if (p->path[0] != '/') {
        /* `(unreachable)` is outside our root; all else has no path at all. */
        p->anonymous = true;
        return p->path[0] == '(' || p->parent >= 0 ? EACCES : 0;
    }
    p->unlinked = take_off_deleted(fd, p->path);
    if (p->parent < 0)
        return 0;
    size_t size = strcmp(p->path, "/") == 0 ? 0 : strlen(p->path);
    if (size + 1 + strlen(p->name) >= PATH_MAX)
        return ENAMETOOLONG;
    p->path[size] = '/';
    strcpy(p->path + size + 1, p->name);
    return 0;
}

bool place_is_unmoved(const struct place *p) {
    char now[PATH_MAX];
    if (p->parent < 0)
        return true;
    if (path_of(p->parent, now))
        return false;
    size_t size = strcmp(now, "/") == 0 ? 0 : strlen(now);
    return strncmp(p->path, now, size) == 0 && p->path[size] == '/' && strcmp(p->path + size + 1, p->name) == 0;
}

/* ---- */

static void clear(struct place *p) {
    p->object = p->parent = -1;
    p->name[0] = p->path[0] = 0;
    p->status = (struct stat){0};
    p->kernel = p->own = p->anonymous = p->unlinked = p->slash = false;
}

static int find(const struct notice *notice, int base, const char *path, unsigned flags, uint64_t how,
                struct place *p) {
    if (path[0] == 0)
        return flags & PLACE_EMPTY ? find_base(notice, base, p) : ENOENT;
    if (strlen(path) >= PATH_MAX)
        return ENAMETOOLONG;
    if (base < 0 && (path[0] != '/' || how & KERNEL_ONLY))
        return EBADF;
    int error = flags & PLACE_PARENT ? find_entry(base, path, flags, how, p) : find_object(base, path, flags, how, p);
    if (error != HAS_TO_WALK)
        return error;
    place_close(p);
    clear(p);
    if (how & KERNEL_ONLY)
        return how & RESOLVE_BENEATH ? EXDEV : ELOOP;
    return path_walk(notice, base, path, flags, how, p);
}

int place_find(const struct notice *notice, int base, const char *path, unsigned flags, uint64_t how,
               struct place *place) {
    clear(place);
    int error = find(notice, base, path, flags, how, place);
    if (!error)
        error = tell_path(place);
    if (error)
        place_close(place);
    return error;
}
