/* A full look opens the object and asks the kernel for its name. Here names are put together from those of directories
 * that were looked at a moment ago. They may have changed since: a record may be missing or wrong by as much as when the
 * caller changes what it passed, which the floor that decides does not mind. */
#define _GNU_SOURCE
#include "watched_opens.h"
#include "caller.h"
#include "closer.h"
#include "own_descriptors.h"
#include "place_mounts.h"
#include "place_open.h"
#include "supervisor.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIRECTORIES = 64, FRESH_US = 50 * 1000, PATH_SHORT = 512 };

/* A directory whose path leads through no symlink. */
struct directory {
    uint64_t device, mount, inode; /* 0: it was found by its path */
    uint64_t until_us;
    unsigned changes;
    size_t size;
    char path[PATH_SHORT];
};

/* What is opened: by its absolute path, and by what the kernel is to look it up from. */
struct target {
    char path[2 * PATH_SHORT];
    int base;         /* -1: none */
    const char *name; /* from there; the path itself if there is none, or it takes more than one name */
};

static _Thread_local struct directory known[DIRECTORIES];
static atomic_uint changes;

void watched_names_changed(void) { changes++; }

static bool is_fresh(const struct directory *d, uint64_t now_us) {
    return d->until_us > now_us && d->changes == changes;
}

static void keep(struct directory *d, uint64_t now_us, const char *path, size_t size) {
    d->until_us = now_us + FRESH_US;
    d->changes = changes;
    d->size = size;
    memcpy(d->path, path, size);
}

/* One that leads only downward, name by name. */
static bool is_plain(const char *path) {
    for (const char *at = path; *at; at += strcspn(at, "/")) {
        at += *at == '/';
        if (*at == 0 || *at == '/' || (*at == '.' && (at[1] == 0 || at[1] == '/' || at[1] == '.')))
            return false;
    }
    return true;
}

static unsigned slot_of(const char *path, size_t size) {
    unsigned hash = 5381;
    for (size_t i = 0; i < size; i++)
        hash = hash * 33 + (unsigned char)path[i];
    return hash % DIRECTORIES;
}

/* Whether no symlink is on the way to a directory. */
static bool is_straight(const char *path, size_t size, uint64_t now_us) {
    if (size == 0)
        return true;
    struct directory *d = &known[slot_of(path, size)];
    if (is_fresh(d, now_us) && d->inode == 0 && d->size == size && memcmp(d->path, path, size) == 0)
        return true;
    char text[PATH_SHORT];
    memcpy(text, path, size);
    text[size] = 0;
    int fd = open_at(AT_FDCWD, text, O_DIRECTORY, RESOLVE_NO_SYMLINKS);
    if (fd < 0)
        return false;
    close(fd);
    d->device = d->mount = d->inode = 0;
    keep(d, now_us, path, size);
    return true;
}

/* The path of an open directory. 0: it cannot be told, or is none. */
static size_t path_of_directory(int fd, uint64_t now_us, char path[PATH_SHORT]) {
    struct statx found;
    char told[PATH_MAX];
    if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_INO | STATX_MNT_ID, &found) ||
        !(found.stx_mask & STATX_MNT_ID) || !S_ISDIR(found.stx_mode))
        return 0;
    uint64_t device = (uint64_t)found.stx_dev_major << 32 | found.stx_dev_minor;
    struct directory *d = &known[(found.stx_ino ^ found.stx_mnt_id) % DIRECTORIES];
    if (!is_fresh(d, now_us) || d->inode != found.stx_ino || d->mount != found.stx_mnt_id || d->device != device) {
        size_t size = path_of(fd, told) ? 0 : strlen(told);
        if (size == 0 || size >= PATH_SHORT || told[0] != '/')
            return 0;
        d->device = device;
        d->mount = found.stx_mnt_id;
        d->inode = found.stx_ino;
        keep(d, now_us, told, size);
    }
    memcpy(path, d->path, d->size);
    return d->size;
}

/* What follows a directory's path. False: it is too long, or the path is none. */
static bool append(struct target *t, size_t size, const char *text) {
    if (size <= 1)
        return false;
    t->path[size] = '/';
    strcpy(t->path + size + 1, text);
    return true;
}

/* False: a quick look does not tell. */
static bool find_target(struct request *r, int directory, uint64_t address, struct target *t) {
    char text[PATH_SHORT];
    if (!caller_text(&r->notice, address, text, sizeof text) || !is_plain(text))
        return false;
    t->name = t->path;
    if (text[0] == '/') {
        strcpy(t->path, text);
        return true;
    }
    if (directory == AT_FDCWD)
        return append(t, caller_working_path(&r->notice, t->path, PATH_SHORT), text);
    int base = caller_peek_descriptor(&r->notice, directory);
    size_t size = base < 0 ? 0 : path_of_directory(base, r->began_us, t->path);
    if (size == 0) {
        /* To close what is no directory may wait for others. */
        if (base >= 0)
            closer_close(base);
        return false;
    }
    t->base = base;
    /* A single name leads through nothing else. */
    if (!strchr(text, '/'))
        t->name = t->path + size + 1;
    return append(t, size, text);
}

static bool is_allowed(const struct request *r, const char *path, uint8_t action) {
    return tables_path(r->notice.tables, path, action, NULL).verdict == VERDICT_ALLOW;
}

static bool look(const struct request *r, const struct target *t, uint64_t flags) {
    size_t above = (size_t)(strrchr(t->path, '/') - t->path);
    if (words_enter_procfs(t->path) || above >= PATH_SHORT ||
        (t->name == t->path && !is_straight(t->path, above, r->began_us)))
        return false;
    struct stat found;
    /* Nothing comes of what is not there. */
    if (fstatat(t->name == t->path ? AT_FDCWD : t->base, t->name, &found, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT && (!(flags & O_CREAT) || is_allowed(r, t->path, ACTION_CREATE));
    bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
    return !S_ISLNK(found.st_mode) && is_allowed(r, t->path, writes ? ACTION_WRITE : ACTION_READ);
}

bool open_is_unremarkable(struct request *r, int directory, uint64_t address, uint64_t flags) {
    const struct tables *tables = r->notice.tables;
    if (tables->mode != MODE_TRAPPED || tables->flags & POLICY_FLAG_RECORD_ALLOWS || (flags & O_TMPFILE) == O_TMPFILE)
        return false;
    if (flags & O_PATH)
        return true;
    struct target t;
    t.base = -1;
    bool unremarkable = find_target(r, directory, address, &t) && look(r, &t, flags);
    if (t.base >= 0)
        close(t.base);
    return unremarkable;
}
