/* Calls that open: by every number, with every kind of flag. */
#define _GNU_SOURCE
#include "mediate.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static long openat_raw(const struct name *one, int flags) {
    return syscall(SYS_openat, one->directory, one->path, flags, 0640);
}

static long openat2_raw(const struct name *one, int flags, unsigned long resolve) {
    struct open_how how = {.flags = (unsigned)flags, .mode = flags & O_CREAT ? 0640 : 0, .resolve = resolve};
    return syscall(SYS_openat2, one->directory, one->path, &how, sizeof how);
}

CALL(at_read) { ONE; return read_answer(openat_raw(one, O_RDONLY)); }
CALL(at_write) { ONE; return write_some(openat_raw(one, O_WRONLY)); }
CALL(at_read_write) { ONE; return write_some(openat_raw(one, O_RDWR)); }
CALL(at_append) { ONE; return write_some(openat_raw(one, O_WRONLY | O_APPEND)); }
CALL(at_truncate) { ONE; return openat_raw(one, O_RDONLY | O_TRUNC); }
CALL(at_no_follow) { ONE; return read_answer(openat_raw(one, O_RDONLY | O_NOFOLLOW)); }
CALL(at_create) { ONE; return write_some(openat_raw(one, O_WRONLY | O_CREAT | O_EXCL)); }
CALL(at_create_or_open) { ONE; return write_some(openat_raw(one, O_WRONLY | O_CREAT)); }
CALL(at_create_or_read) { ONE; return read_answer(openat_raw(one, O_RDONLY | O_CREAT)); }
CALL(two_read) { ONE; return read_answer(openat2_raw(one, O_RDONLY, 0)); }
CALL(two_write) { ONE; return write_some(openat2_raw(one, O_WRONLY, 0)); }
CALL(two_no_symlinks) { ONE; return read_answer(openat2_raw(one, O_RDONLY, RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS)); }
CALL(two_beneath) { ONE; return read_answer(openat2_raw(one, O_RDONLY, RESOLVE_BENEATH)); }
CALL(two_in_root) { ONE; return read_answer(openat2_raw(one, O_RDONLY, RESOLVE_IN_ROOT)); }
CALL(two_create) { ONE; return write_some(openat2_raw(one, O_WRONLY | O_CREAT | O_EXCL, 0)); }

/* As a later kernel's programs would say it: with fields that this one does not know, all of them or some being zero. */
static long openat2_larger(const struct name *one, unsigned char last, unsigned long size) {
    struct {
        struct open_how how;
        unsigned char more[8192];
    } larger = {.how = {.flags = O_RDONLY}};
    larger.more[size - sizeof larger.how - 1] = last;
    return syscall(SYS_openat2, one->directory, one->path, &larger, size);
}

CALL(two_larger) { ONE; return read_answer(openat2_larger(one, 0, sizeof(struct open_how) + 8)); }
CALL(two_page) { ONE; return read_answer(openat2_larger(one, 0, 4096)); }
CALL(two_unknown) { ONE; return read_answer(openat2_larger(one, 1, sizeof(struct open_how) + 8)); }
CALL(two_unknown_far) { ONE; return read_answer(openat2_larger(one, 1, 4096)); }
CALL(two_too_large) { ONE; return read_answer(openat2_larger(one, 0, 4097)); }

CALL(list) {
    ONE;
    char entries[4096];
    int fd = (int)openat_raw(one, O_RDONLY | O_DIRECTORY);
    return fd < 0 ? -1 : syscall(SYS_getdents64, fd, entries, sizeof entries);
}

/* A descriptor that only names the file, opened again through procfs. */
static long reopen(const struct name *one, int first, int again) {
    char path[64];
    int fd = (int)openat_raw(one, first);
    if (fd < 0)
        return -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return syscall(SYS_openat, AT_FDCWD, path, again, 0);
}

CALL(path_then_read) { ONE; return read_answer(reopen(one, O_PATH, O_RDONLY)); }
CALL(path_then_write) { ONE; return write_some(reopen(one, O_PATH, O_WRONLY)); }
CALL(read_then_write) { ONE; return write_some(reopen(one, O_RDONLY, O_RDWR)); }

/* A file without a name, in the folder `one`. */
CALL(unnamed) { ONE; return write_some(openat_raw(one, O_WRONLY | O_TMPFILE)); }

/* A file without a name in the folder of `other`, which then gets that name. */
static long link_unnamed(const struct name *one, const struct name *other, int exclusive) {
    char path[64];
    int fd = (int)openat_raw(one, O_WRONLY | O_TMPFILE | exclusive);
    if (fd < 0 || write_some(fd) < 0)
        return -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return syscall(SYS_linkat, AT_FDCWD, path, other->directory, other->path, AT_SYMLINK_FOLLOW);
}

CALL(unnamed_then_link) { return link_unnamed(one, other, 0); }
/* One that was to stay without. */
CALL(unnamed_for_good) { return link_unnamed(one, other, O_EXCL); }

CALL(cut) { ONE; return syscall(SYS_truncate, one->plain, 3L); }

#ifdef SYS_open
CALL(old_read) { ONE; return read_answer(syscall(SYS_open, one->plain, O_RDONLY)); }
CALL(old_write) { ONE; return write_some(syscall(SYS_open, one->plain, O_WRONLY)); }
CALL(old_create) { ONE; return write_some(syscall(SYS_open, one->plain, O_WRONLY | O_CREAT | O_EXCL, 0640)); }
CALL(old_creat) { ONE; return write_some(syscall(SYS_creat, one->plain, 0640)); }
#endif

const struct call open_calls[] = {
    {"openat-read", at_read},
    {"openat-write", at_write},
    {"openat-read-write", at_read_write},
    {"openat-append", at_append},
    {"openat-truncate", at_truncate},
    {"openat-nofollow", at_no_follow},
    {"openat-create", at_create},
    {"openat-create-or-open", at_create_or_open},
    {"openat-create-or-read", at_create_or_read},
    {"openat-list", list},
    {"openat2-read", two_read},
    {"openat2-write", two_write},
    {"openat2-no-symlinks", two_no_symlinks},
    {"openat2-beneath", two_beneath},
    {"openat2-in-root", two_in_root},
    {"openat2-create", two_create},
    {"openat2-larger", two_larger},
    {"openat2-page", two_page},
    {"openat2-unknown", two_unknown},
    {"openat2-unknown-far", two_unknown_far},
    {"openat2-too-large", two_too_large},
    {"path-then-read", path_then_read},
    {"path-then-write", path_then_write},
    {"read-then-write", read_then_write},
    {"unnamed", unnamed},
    {"unnamed-then-link", unnamed_then_link},
    {"unnamed-for-good", unnamed_for_good},
    {"truncate", cut},
#ifdef SYS_open
    {"open-read", old_read},
    {"open-write", old_write},
    {"open-create", old_create},
    {"creat", old_creat},
#endif
    {0},
};
