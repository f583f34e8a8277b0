/* Modes, owners, times and extended attributes: Landlock knows no right for them, so that only this keeps what is
 * read-only as it is. */
#define _GNU_SOURCE
#include "calls.h"
#include "caller.h"
#include "request.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

enum { NR_FCHMODAT2 = 452, ATTRIBUTE_MAX = 64 * 1024 };

static void change(struct request *r, void (*perform)(struct request *)) {
    if (r->place.kernel) {
        request_fail(r, EPERM);
        return;
    }
    /* What has no name at all any more is its holder's own. */
    if (r->place.unlinked && r->place.status.st_nlink == 0)
        r->place.anonymous = true;
    r->action = ACTION_METADATA;
    r->perform = perform;
    request_decide(r);
}

static const char *self_path(const struct request *r, char path[64]) {
    snprintf(path, 64, "/proc/self/fd/%d", r->place.object);
    return path;
}

/* Finds the object of an `at` call. False: it was answered. */
static bool find_at(struct request *r, int directory, uint64_t path, int flags) {
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        request_fail(r, EINVAL);
        return false;
    }
    unsigned how = (flags & AT_SYMLINK_NOFOLLOW ? 0 : PLACE_FOLLOW) | (flags & AT_EMPTY_PATH ? PLACE_EMPTY : 0);
    return request_find(r, directory, path, how, 0, &r->place);
}

/* ---- mode ---- */

static void perform_mode(struct request *r) {
    char path[64];
    if (S_ISLNK(r->place.status.st_mode)) {
        errno = EOPNOTSUPP;
        request_end(r, -1);
    } else {
        request_end(r, chmod(self_path(r, path), r->mode));
    }
}

/* Whoever started it on the host would have the rights of the folder's owner. */
static bool makes_set_id(const struct request *r) {
    return r->notice.tables->flags & POLICY_FLAG_LIVE_MOUNTS && S_ISREG(r->place.status.st_mode) &&
           r->mode & (S_ISUID | S_ISGID);
}

void handle_mode(struct request *r) {
    const uint64_t *a = r->notice.arguments;
    bool found;
    switch (r->notice.number) {
    case SYS_fchmod: r->mode = (mode_t)a[1]; found = request_find_descriptor(r, (int)a[0], &r->place); break;
    case SYS_fchmodat: r->mode = (mode_t)a[2]; found = find_at(r, (int)a[0], a[1], 0); break;
    case NR_FCHMODAT2: r->mode = (mode_t)a[2]; found = find_at(r, (int)a[0], a[1], (int)a[3]); break;
    default: r->mode = (mode_t)a[1]; found = find_at(r, AT_FDCWD, a[0], 0);
    }
    r->mode = found ? r->mode & 07777 : 0;
    if (found && makes_set_id(r)) {
        r->action = ACTION_METADATA;
        request_deny(r, REASON_SET_ID, EPERM);
    } else if (found) {
        change(r, perform_mode);
    }
}

/* ---- owner ---- */

static void perform_owner(struct request *r) {
    request_end(r, fchownat(r->place.object, "", r->owner, r->group, AT_EMPTY_PATH));
}

void handle_owner(struct request *r) {
    const uint64_t *a = r->notice.arguments;
    bool found;
    int number = r->notice.number;
    size_t ids = number == SYS_fchownat ? 2 : 1;
    r->owner = (unsigned)a[ids];
    r->group = (unsigned)a[ids + 1];
    if (number == SYS_fchown)
        found = request_find_descriptor(r, (int)a[0], &r->place);
    else if (number == SYS_fchownat)
        found = find_at(r, (int)a[0], a[1], (int)a[4]);
#if defined(__x86_64__)
    else if (number == SYS_lchown)
        found = find_at(r, AT_FDCWD, a[0], AT_SYMLINK_NOFOLLOW);
#endif
    else
        found = find_at(r, AT_FDCWD, a[0], 0);
    if (found)
        change(r, perform_owner);
}

/* ---- times ---- */

static void perform_times(struct request *r) {
    request_end(r, utimensat(r->place.object, "", r->times, AT_EMPTY_PATH));
}

#if defined(__x86_64__)
static bool read_timevals(struct request *r, uint64_t address) {
    struct timeval read[2];
    if (!caller_bytes(&r->notice, address, read, sizeof read))
        return false;
    for (int i = 0; i < 2; i++) {
        errno = EINVAL;
        if (read[i].tv_usec < 0 || read[i].tv_usec >= 1000000)
            return false;
        r->times[i] = (struct timespec){read[i].tv_sec, read[i].tv_usec * 1000};
    }
    return true;
}

static bool read_utimbuf(struct request *r, uint64_t address) {
    struct utimbuf read;
    if (!caller_bytes(&r->notice, address, &read, sizeof read))
        return false;
    r->times[0] = (struct timespec){read.actime, 0};
    r->times[1] = (struct timespec){read.modtime, 0};
    return true;
}
#endif

/* Reads what to set; a null address is now. */
static bool read_times(struct request *r) {
    const uint64_t *a = r->notice.arguments;
    bool at = r->notice.number == SYS_utimensat;
#if defined(__x86_64__)
    at |= r->notice.number == SYS_futimesat;
#endif
    uint64_t address = a[at ? 2 : 1];
    r->times[0].tv_nsec = r->times[1].tv_nsec = UTIME_NOW;
    if (!address)
        return true;
#if defined(__x86_64__)
    if (r->notice.number == SYS_utime)
        return read_utimbuf(r, address);
    if (r->notice.number != SYS_utimensat)
        return read_timevals(r, address);
#endif
    return caller_bytes(&r->notice, address, r->times, sizeof r->times);
}

void handle_times(struct request *r) {
    const uint64_t *a = r->notice.arguments;
    if (!read_times(r)) {
        request_fail(r, errno);
        return;
    }
    bool found;
    if (r->notice.number == SYS_utimensat)
        /* Without a path it is the descriptor itself: futimens(3). */
        found = a[1] ? find_at(r, (int)a[0], a[1], (int)a[3]) : request_find_descriptor(r, (int)a[0], &r->place);
#if defined(__x86_64__)
    else if (r->notice.number == SYS_futimesat)
        found = a[1] ? find_at(r, (int)a[0], a[1], 0) : request_find_descriptor(r, (int)a[0], &r->place);
#endif
    else
        found = find_at(r, AT_FDCWD, a[0], 0);
    if (found)
        change(r, perform_times);
}

/* ---- extended attributes ---- */

static void perform_set(struct request *r) {
    char path[64];
    request_end(r, setxattr(self_path(r, path), r->label, r->bytes, r->bytes_size, r->flags));
}

static void perform_remove(struct request *r) {
    char path[64];
    request_end(r, removexattr(self_path(r, path), r->label));
}

static bool sets(int number) {
    return number == SYS_setxattr || number == SYS_lsetxattr || number == SYS_fsetxattr;
}

static int read_attribute(struct request *r) {
    const uint64_t *a = r->notice.arguments;
    if (!caller_string(&r->notice, a[1], r->label, sizeof r->label))
        return errno == ENAMETOOLONG ? ERANGE : errno;
    if (!sets(r->notice.number))
        return 0;
    r->bytes_size = a[3];
    r->flags = (int)a[4];
    if (r->bytes_size > ATTRIBUTE_MAX)
        return E2BIG;
    r->bytes = malloc(r->bytes_size + 1);
    if (!r->bytes)
        return ENOMEM;
    return r->bytes_size == 0 || caller_bytes(&r->notice, a[2], r->bytes, r->bytes_size) ? 0 : errno;
}

void handle_attribute(struct request *r) {
    const uint64_t *a = r->notice.arguments;
    int number = r->notice.number, error = read_attribute(r);
    bool link = number == SYS_lsetxattr || number == SYS_lremovexattr;
    if (error) {
        request_fail(r, error);
        return;
    }
    bool found = number == SYS_fsetxattr || number == SYS_fremovexattr
                     ? request_find_descriptor(r, (int)a[0], &r->place)
                     : find_at(r, AT_FDCWD, a[0], link ? AT_SYMLINK_NOFOLLOW : 0);
    if (!found)
        return;
    /* Links have none that an ordinary user may set. */
    if (S_ISLNK(r->place.status.st_mode))
        request_fail(r, EPERM);
    else
        change(r, sets(number) ? perform_set : perform_remove);
}
