/* open, openat, openat2, creat and truncate: the object is found and judged, then opened again. */
#define _GNU_SOURCE
#include "answers.h"
#include "calls.h"
#include "caller.h"
#include "hands.h"
#include "made_fifos.h"
#include "own_descriptors.h"
#include "own_terminal.h"
#include "request.h"
#include "watched_opens.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of openat2: everything else in `resolve` is unknown to this kernel or to us. */
#define RESOLVE_KNOWN                                                                                                  \
    (RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT)
#define FLAGS_KNOWN                                                                                                    \
    (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_ASYNC | O_DIRECT |        \
     O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE)

/* A page: what the kernel takes. Nobody else makes a name that often by chance between a look at it and its making. */
enum { HOW_BYTES_MAX = 4096, TRIES_MAX = 4 };

struct wish {
    int directory;
    uint64_t path, resolve;
    uint64_t flags;
    mode_t mode;
};

/* The rest of a struct of `size`; as copy_struct_from_user() of the kernel. */
static bool is_zero(const struct request *r, uint64_t address, uint64_t size) {
    uint8_t rest[HOW_BYTES_MAX] = {0};
    errno = E2BIG;
    if (size > sizeof rest)
        return false;
    if (!caller_bytes(&r->notice, address, rest, size - sizeof(struct open_how)))
        return false;
    errno = E2BIG;
    for (size_t i = 0; i < sizeof rest; i++)
        if (rest[i])
            return false;
    return true;
}

static bool wish_of_openat2(const struct request *r, struct wish *wish) {
    const uint64_t *a = r->notice.arguments;
    struct open_how how;
    uint64_t size = a[3];
    if (size < sizeof how) {
        errno = EINVAL;
        return false;
    }
    /* What a later kernel's programs may say beyond what we know has to be nothing. */
    if (size > sizeof how && !is_zero(r, a[2] + sizeof how, size))
        return false;
    if (!caller_bytes(&r->notice, a[2], &how, sizeof how))
        return false;
    if (how.resolve & ~(uint64_t)RESOLVE_KNOWN || how.flags & ~(uint64_t)FLAGS_KNOWN ||
        (how.mode && !(how.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)))) || how.mode & ~07777ULL) {
        errno = EINVAL;
        return false;
    }
    *wish = (struct wish){(int)a[0], a[1], how.resolve, how.flags, (mode_t)how.mode};
    return true;
}

static bool wish_of(const struct request *r, struct wish *wish) {
    const uint64_t *a = r->notice.arguments;
    switch (r->notice.number) {
    case SYS_openat: *wish = (struct wish){(int)a[0], a[1], 0, a[2] & FLAGS_KNOWN, (mode_t)a[3] & 07777}; return true;
    case SYS_openat2: return wish_of_openat2(r, wish);
#if defined(__x86_64__)
    case SYS_open: *wish = (struct wish){AT_FDCWD, a[0], 0, a[1] & FLAGS_KNOWN, (mode_t)a[2] & 07777}; return true;
    case SYS_creat:
        *wish = (struct wish){AT_FDCWD, a[0], 0, O_CREAT | O_WRONLY | O_TRUNC, (mode_t)a[1] & 07777};
        return true;
#endif
    }
    errno = ENOSYS;
    return false;
}

/* ---- what was judged ---- */

static void give(struct request *r, int fd) {
    if (fd < 0) {
        request_end(r, -1);
        return;
    }
    if (!notice_give(&r->notice, fd, r->flags & O_CLOEXEC))
        notice_fail(&r->notice, errno);
    close(fd);
    request_free(r);
}

/* The caller must not find a flag that it did not set. */
static bool clear_nonblocking(const struct request *r, int fd) {
    int flags = fcntl(fd, F_GETFL);
    return r->flags & O_NONBLOCK || (flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0);
}

static bool is_plain(mode_t mode) { return S_ISREG(mode) || S_ISDIR(mode); }

static void perform_reopen(struct request *r) {
    umask(r->umask);
    /* Of a file without a name, O_EXCL says that it never gets one. */
    int settled = O_CREAT | O_NOFOLLOW | ((r->flags & O_TMPFILE) == O_TMPFILE ? 0 : O_EXCL);
    int flags = (r->flags & ~settled) | O_NOCTTY;
    bool added = !r->blocks && !is_plain(r->place.status.st_mode);
    int fd, ignored;
    do
        fd = reopen(r->place.object, flags | (added ? O_NONBLOCK : 0), r->mode);
    while (fd < 0 && errno == EINTR && !hand_cancelled(&ignored));
    if (fd >= 0 && added && !clear_nonblocking(r, fd)) {
        close(fd);
        fd = -1;
    }
    give(r, fd);
}

/* Whoever made the name meanwhile may have put something there that was never judged: all is looked at anew. */
static void judge_again(struct request *r) {
    if (++r->tries == TRIES_MAX) {
        request_deny(r, REASON_CHANGED, EACCES);
        return;
    }
    place_close(&r->place);
    r->action = r->other_action = 0;
    r->ruling = r->later = (struct ruling){0};
    handle_open(r);
}

static void perform_create(struct request *r) {
    umask(r->umask);
    int flags = (r->flags | O_CREAT | O_EXCL | O_NOCTTY | O_CLOEXEC) & ~O_DIRECTORY;
    int fd = openat(r->place.parent, r->place.name, flags, r->mode);
    if (fd < 0 && errno == EEXIST && !(r->flags & O_EXCL))
        judge_again(r);
    else
        give(r, fd);
}

static void perform_hand_over(struct request *r) {
    int fd = r->place.object;
    r->place.object = -1;
    give(r, fd);
}

/* What the host wants the caller to read in place of the file. It cannot be written, by whatever name it is opened. */
static void perform_substitute(struct request *r) {
    if (fcntl(r->fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)) {
        request_fail(r, EACCES);
        return;
    }
    give(r, reopen(r->fd, O_RDONLY, 0));
}

static void perform_open(struct request *r) {
    if (r->fd >= 0)
        perform_substitute(r);
    else
        perform_reopen(r);
}

static void perform_truncate(struct request *r) {
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", r->place.object);
    request_end(r, truncate(self, (off_t)r->size));
}

/* ---- judging ---- */

static bool writes(uint64_t flags) { return (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC; }

/* Whether it reads as well: what was cut is empty, and gets other content. */
static bool reads(uint64_t flags) { return (flags & O_ACCMODE) == O_RDONLY || (flags & O_ACCMODE) == O_RDWR; }

/* What the kernel would refuse whatever the rules say; 0: nothing. */
static int problem_of(const struct wish *wish, const struct stat *found) {
    bool directory = S_ISDIR(found->st_mode);
    if ((wish->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return EEXIST;
    if (S_ISLNK(found->st_mode))
        return wish->flags & O_PATH ? 0 : ELOOP;
    if (wish->flags & O_DIRECTORY && !directory)
        return ENOTDIR;
    if ((wish->flags & O_TMPFILE) == O_TMPFILE)
        return writes(wish->flags) ? 0 : EINVAL;
    if (directory && (writes(wish->flags) || wish->flags & O_CREAT) && !(wish->flags & O_PATH))
        return EISDIR;
    return S_ISSOCK(found->st_mode) && !(wish->flags & O_PATH) ? ENXIO : 0;
}

static uint8_t action_of(const struct wish *wish, const struct stat *found) {
    if ((wish->flags & O_TMPFILE) == O_TMPFILE)
        return ACTION_CREATE;
    if (writes(wish->flags))
        return ACTION_WRITE;
    return S_ISDIR(found->st_mode) ? ACTION_LIST : ACTION_READ;
}

/* What the host gave to be read cannot be opened for more, whatever its seals would still forbid. */
static bool is_substitute(const struct place *p) {
    return p->unlinked && strcmp(p->path, "/memfd:" SUBSTITUTE_NAME) == 0;
}

/* The same object, to be judged once more: by what reads it. */
static void judge_reading_too(struct request *r) {
    r->other = r->place;
    r->other.object = r->other.parent = -1;
    r->other_action = ACTION_READ;
}

static void open_object(struct request *r, const struct wish *wish) {
    struct place *p = &r->place;
    int problem = problem_of(wish, &p->status);
    if (problem) {
        request_fail(r, problem);
        return;
    }
    bool emulated = r->notice.tables->mode == MODE_EMULATED;
    if (wish->flags & O_PATH) {
        if (emulated)
            perform_hand_over(r);
        else
            request_fail(r, EACCES);
        return;
    }
    r->action = action_of(wish, &p->status);
    if (emulated) {
        if (r->action == ACTION_WRITE && reads(wish->flags))
            judge_reading_too(r);
        if (is_own_terminal_name(&p->status) && !find_own_terminal(&r->notice, p)) {
            request_fail(r, ENXIO);
            return;
        }
        if (p->kernel && r->action == ACTION_WRITE && !tables_writable(r->notice.tables, p->path)) {
            request_deny(r, REASON_KERNEL_FILE, EACCES);
            return;
        }
        if (r->action == ACTION_WRITE && is_substitute(p)) {
            request_fail(r, EACCES);
            return;
        }
        bool fifo = S_ISFIFO(p->status.st_mode);
        /* A supervisor would be shown more of other commands than the caller. */
        r->blocks = fifo || (p->kernel && !p->own);
        if (fifo && !p->anonymous && r->notice.tables->flags & POLICY_FLAG_LIVE_MOUNTS &&
            !fifo_was_made_here(&p->status)) {
            request_deny(r, REASON_HOST_FIFO, EACCES);
            return;
        }
    }
    r->perform = perform_open;
    request_decide(r);
}

void handle_open(struct request *r) {
    struct wish wish;
    if (!wish_of(r, &wish)) {
        request_fail(r, errno);
        return;
    }
    if (wish.resolve == 0 && open_is_unremarkable(r, wish.directory, wish.path, wish.flags)) {
        notice_continue(&r->notice);
        request_free(r);
        return;
    }
    bool exclusive = (wish.flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
    unsigned how = wish.flags & O_NOFOLLOW || exclusive ? 0 : PLACE_FOLLOW;
    if (wish.flags & O_CREAT && !(wish.flags & O_PATH))
        how |= PLACE_PARENT | PLACE_MAKE;
    r->flags = (int)wish.flags;
    r->mode = request_mode(r, wish.mode);
    if (!request_find(r, wish.directory, wish.path, how, wish.resolve, &r->place))
        return;
    if (r->place.slash && how & PLACE_MAKE) {
        request_fail(r, EISDIR);
        return;
    }
    if (wish.flags & O_CREAT || (wish.flags & O_TMPFILE) == O_TMPFILE)
        r->umask = caller_umask(&r->notice);
    if (r->place.object >= 0) {
        open_object(r, &wish);
        return;
    }
    if (wish.flags & O_DIRECTORY) {
        request_fail(r, EINVAL);
        return;
    }
    r->action = ACTION_CREATE;
    r->perform = perform_create;
    request_decide(r);
}

void handle_truncate(struct request *r) {
    r->size = r->notice.arguments[1];
    if (!request_find(r, AT_FDCWD, r->notice.arguments[0], PLACE_FOLLOW, 0, &r->place))
        return;
    if (!S_ISREG(r->place.status.st_mode)) {
        request_fail(r, S_ISDIR(r->place.status.st_mode) ? EISDIR : EINVAL);
        return;
    }
    r->action = ACTION_WRITE;
    r->perform = perform_truncate;
    request_decide(r);
}
