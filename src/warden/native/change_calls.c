/* Calls that make, remove and move names. Each is done in the directory that was judged. */
#define _GNU_SOURCE
#include "calls.h"
#include "caller.h"
#include "made_fifos.h"
#include "request.h"
#include "watched_opens.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Held while a name is given to an object that is there: what a name stands for is then still so when it is used. */
static pthread_mutex_t naming = PTHREAD_MUTEX_INITIALIZER;

/* ---- removing ---- */

static void perform_remove(struct request *r) {
    request_end(r, unlinkat(r->place.parent, r->place.name, r->flags));
}

void handle_remove(struct request *r) {
    watched_names_changed();
    const uint64_t *a = r->notice.arguments;
    bool at = r->notice.number == SYS_unlinkat;
    r->flags = at ? (int)a[2] : 0;
#if defined(__x86_64__)
    if (r->notice.number == SYS_rmdir)
        r->flags = AT_REMOVEDIR;
#endif
    if (r->flags & ~AT_REMOVEDIR) {
        request_fail(r, EINVAL);
        return;
    }
    if (!request_find(r, at ? (int)a[0] : AT_FDCWD, a[at ? 1 : 0], PLACE_PARENT, 0, &r->place))
        return;
    if (r->place.object < 0 || r->place.parent < 0) {
        request_fail(r, r->place.object < 0 ? ENOENT : r->flags ? EBUSY : EISDIR);
        return;
    }
    r->action = ACTION_DELETE;
    r->perform = perform_remove;
    request_decide(r);
}

/* ---- making ---- */

static void perform_directory(struct request *r) {
    umask(r->umask);
    request_end(r, mkdirat(r->place.parent, r->place.name, r->mode));
}

static void perform_node(struct request *r) {
    umask(r->umask);
    pthread_mutex_lock(&naming);
    int result = mknodat(r->place.parent, r->place.name, r->mode, 0);
    if (result == 0 && S_ISFIFO(r->mode)) {
        int fd = openat(r->place.parent, r->place.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0)
            fifo_remember(fd);
    }
    pthread_mutex_unlock(&naming);
    request_end(r, result);
}

static void perform_symlink(struct request *r) {
    request_end(r, symlinkat(r->bytes, r->place.parent, r->place.name));
}

static bool read_target(struct request *r, uint64_t address) {
    r->bytes = malloc(PATH_MAX);
    if (!r->bytes || !caller_string(&r->notice, address, r->bytes, PATH_MAX)) {
        request_fail(r, r->bytes ? errno : ENOMEM);
        return false;
    }
    if (*(char *)r->bytes)
        return true;
    request_fail(r, ENOENT);
    return false;
}

static void make(struct request *r, int directory, uint64_t path) {
    if (!request_find(r, directory, path, PLACE_PARENT | PLACE_MAKE, 0, &r->place))
        return;
    if (r->place.object >= 0 || r->place.parent < 0) {
        request_fail(r, EEXIST);
        return;
    }
    if (r->place.slash && r->perform != perform_directory) {
        request_fail(r, ENOENT);
        return;
    }
    r->umask = caller_umask(&r->notice);
    r->action = ACTION_CREATE;
    request_decide(r);
}

static void make_node(struct request *r, int directory, uint64_t path, uint64_t mode) {
    r->mode = request_mode(r, (mode_t)mode & 0177777);
    r->perform = perform_node;
    mode_t kind = r->mode & S_IFMT;
    if (kind == 0 || kind == S_IFREG || kind == S_IFIFO || kind == S_IFSOCK)
        make(r, directory, path);
    else
        request_fail(r, kind == S_IFCHR || kind == S_IFBLK || kind == S_IFDIR ? EPERM : EINVAL);
}

static void make_directory(struct request *r, int directory, uint64_t path, uint64_t mode) {
    r->mode = (mode_t)mode & 07777;
    r->perform = perform_directory;
    make(r, directory, path);
}

static void make_symlink(struct request *r, uint64_t target, int directory, uint64_t path) {
    watched_names_changed();
    r->perform = perform_symlink;
    if (read_target(r, target))
        make(r, directory, path);
}

void handle_make(struct request *r) {
    const uint64_t *a = r->notice.arguments;
    switch (r->notice.number) {
    case SYS_mkdirat: make_directory(r, (int)a[0], a[1], a[2]); break;
    case SYS_mknodat: make_node(r, (int)a[0], a[1], a[2]); break;
    case SYS_symlinkat: make_symlink(r, a[0], (int)a[1], a[2]); break;
#if defined(__x86_64__)
    case SYS_mkdir: make_directory(r, AT_FDCWD, a[0], a[1]); break;
    case SYS_mknod: make_node(r, AT_FDCWD, a[0], a[1]); break;
    case SYS_symlink: make_symlink(r, a[0], AT_FDCWD, a[1]); break;
#endif
    default: request_fail(r, ENOSYS);
    }
}

/* ---- a second name ---- */

static bool passes_by(const struct request *r, const struct place *from, const struct place *to, uint8_t action) {
    const struct tables *tables = r->notice.tables;
    return tables->mode == MODE_EMULATED && !from->anonymous &&
           !tables_allow_other_name(tables, from->path, to->path, action);
}

static void perform_link(struct request *r) {
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", r->place.object);
    bool symlink = S_ISLNK(r->place.status.st_mode);
    pthread_mutex_lock(&naming);
    int result = symlink ? linkat(r->place.parent, r->place.name, r->other.parent, r->other.name, 0)
                         : linkat(AT_FDCWD, self, r->other.parent, r->other.name, AT_SYMLINK_FOLLOW);
    pthread_mutex_unlock(&naming);
    request_end(r, result);
}

void handle_link(struct request *r) {
    const uint64_t *a = r->notice.arguments;
    bool at = r->notice.number == SYS_linkat;
    int flags = at ? (int)a[4] : 0;
    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) {
        request_fail(r, EINVAL);
        return;
    }
    unsigned how = (flags & AT_SYMLINK_FOLLOW ? PLACE_FOLLOW : 0) | (flags & AT_EMPTY_PATH ? PLACE_EMPTY : 0);
    if (!how)
        how = PLACE_PARENT;
    if (!request_find(r, at ? (int)a[0] : AT_FDCWD, a[at ? 1 : 0], how, 0, &r->place) ||
        !request_find(r, at ? (int)a[2] : AT_FDCWD, a[at ? 3 : 1], PLACE_PARENT | PLACE_MAKE, 0,
                      &r->other))
        return;
    mode_t kind = r->place.object < 0 ? 0 : r->place.status.st_mode & S_IFMT;
    bool nameless_link = kind == S_IFLNK && r->place.parent < 0;
    if (kind == 0 || kind == S_IFDIR || nameless_link || r->other.object >= 0 || r->other.parent < 0) {
        request_fail(r, kind == 0 ? ENOENT : kind == S_IFDIR || nameless_link ? EPERM : EEXIST);
        return;
    }
    if (r->other.slash) {
        request_fail(r, ENOENT);
        return;
    }
    r->action = ACTION_LINK;
    r->other_action = ACTION_CREATE;
    /* What never had a name (O_TMPFILE) is judged by the one that it gets; the kernel links nothing else without one. */
    if (r->place.unlinked && r->place.status.st_nlink == 0)
        r->place.anonymous = true;
    r->perform = perform_link;
    if (passes_by(r, &r->place, &r->other, ACTION_LINK))
        request_deny(r, REASON_AROUND_RULE, EXDEV);
    else
        request_decide(r);
}

/* ---- another name ---- */

static bool is_directory(const struct place *p) { return p->object >= 0 && S_ISDIR(p->status.st_mode); }

/* Whether the name was given to a directory after it was judged: what lies in that was not. */
static bool became_directory(const struct place *p) {
    struct stat now;
    return !is_directory(p) && fstatat(p->parent, p->name, &now, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(now.st_mode);
}

static void perform_rename(struct request *r) {
    pthread_mutex_lock(&naming);
    bool changed = became_directory(&r->place) || (r->flags & RENAME_EXCHANGE && became_directory(&r->other));
    long result = changed ? -1
                          : syscall(SYS_renameat2, r->place.parent, r->place.name, r->other.parent, r->other.name,
                                    r->flags);
    int error = changed ? EXDEV : errno;
    pthread_mutex_unlock(&naming);
    errno = error;
    request_end(r, result);
}

/* A directory takes what lies in it along: no rule may mean something else there. */
static bool goes_around_a_rule(const struct request *r) {
    const struct tables *tables = r->notice.tables;
    bool exchange = r->flags & RENAME_EXCHANGE;
    if (passes_by(r, &r->place, &r->other, ACTION_RENAME) ||
        (exchange && passes_by(r, &r->other, &r->place, ACTION_RENAME)))
        return true;
    if (is_directory(&r->place) && !tables_allow_rename(tables, r->place.path, r->other.path))
        return true;
    return exchange && is_directory(&r->other) &&
           !tables_allow_rename(tables, r->other.path, r->place.path);
}

void handle_rename(struct request *r) {
    watched_names_changed();
    const uint64_t *a = r->notice.arguments;
    int from = AT_FDCWD, to = AT_FDCWD;
    uint64_t old = a[0], new = a[1];
#if defined(__x86_64__)
    bool at = r->notice.number != SYS_rename;
#else
    bool at = true;
#endif
    if (at) {
        from = (int)a[0];
        old = a[1];
        to = (int)a[2];
        new = a[3];
    }
    r->flags = r->notice.number == SYS_renameat2 ? (int)a[4] : 0;
    if (r->flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) {
        request_fail(r, r->flags & RENAME_WHITEOUT ? EPERM : EINVAL);
        return;
    }
    if (!request_find(r, from, old, PLACE_PARENT, 0, &r->place) ||
        !request_find(r, to, new, PLACE_PARENT, 0, &r->other))
        return;
    if (r->place.object < 0 || r->place.parent < 0 || r->other.parent < 0) {
        request_fail(r, r->place.object < 0 ? ENOENT : EBUSY);
        return;
    }
    if (r->other.slash && !is_directory(&r->place) && !(r->flags & RENAME_EXCHANGE)) {
        request_fail(r, ENOTDIR);
        return;
    }
    r->action = ACTION_RENAME;
    r->other_action = r->flags & RENAME_EXCHANGE ? ACTION_RENAME : ACTION_CREATE;
    r->perform = perform_rename;
    if (r->notice.tables->mode == MODE_EMULATED && goes_around_a_rule(r)) {
        /* What `mv` takes for another file system: it copies, file by file, and each is judged. */
        request_deny(r, REASON_AROUND_RULE, EXDEV);
        return;
    }
    request_decide(r);
}
