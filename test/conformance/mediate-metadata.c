/* Calls that change what is known of a file: mode, owner, times, extended attributes. */
#define _GNU_SOURCE
#include "mediate.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

/* Newer than the headers of some systems; one number everywhere. */
enum { NR_FCHMODAT2 = 452, NR_SETXATTRAT = 463, NR_REMOVEXATTRAT = 466 };

#define ATTRIBUTE "user.mediate"

static const struct timespec LONG_AGO[2] = {{1, 0}, {1, 0}};

CALL(mode_open) {
    ONE;
    int fd = open_for_reading(one);
    return fd < 0 ? -1 : syscall(SYS_fchmod, fd, 0600);
}
CALL(mode_at) { ONE; return syscall(SYS_fchmodat, one->directory, one->path, 0600); }
CALL(mode_at_two) { ONE; return syscall(NR_FCHMODAT2, one->directory, one->path, 0600, 0); }
CALL(mode_empty) {
    ONE;
    return syscall(NR_FCHMODAT2, openat(one->directory, one->path, O_PATH), "", 0600, AT_EMPTY_PATH);
}

/* To oneself: what an owner may do without any privilege. */
CALL(owner_open) {
    ONE;
    int fd = open_for_reading(one);
    return fd < 0 ? -1 : syscall(SYS_fchown, fd, getuid(), getgid());
}
CALL(owner_at) { ONE; return syscall(SYS_fchownat, one->directory, one->path, getuid(), getgid(), 0); }
CALL(owner_at_link) {
    ONE;
    return syscall(SYS_fchownat, one->directory, one->path, getuid(), getgid(), AT_SYMLINK_NOFOLLOW);
}
CALL(owner_empty) {
    ONE;
    return syscall(SYS_fchownat, openat(one->directory, one->path, O_PATH), "", getuid(), getgid(), AT_EMPTY_PATH);
}

CALL(times_at) { ONE; return syscall(SYS_utimensat, one->directory, one->path, LONG_AGO, 0); }
CALL(times_now) { ONE; return syscall(SYS_utimensat, one->directory, one->path, NULL, 0); }
CALL(times_open) {
    ONE;
    int fd = open_for_reading(one);
    return fd < 0 ? -1 : syscall(SYS_utimensat, fd, NULL, LONG_AGO, 0);
}

CALL(set) { ONE; return syscall(SYS_setxattr, one->plain, ATTRIBUTE, "x", 1L, 0); }
CALL(set_link) { ONE; return syscall(SYS_lsetxattr, one->plain, ATTRIBUTE, "x", 1L, 0); }
CALL(set_open) {
    ONE;
    int fd = open_for_reading(one);
    return fd < 0 ? -1 : syscall(SYS_fsetxattr, fd, ATTRIBUTE, "x", 1L, 0);
}
CALL(removed) { ONE; return syscall(SYS_removexattr, one->plain, ATTRIBUTE); }
CALL(removed_link) { ONE; return syscall(SYS_lremovexattr, one->plain, ATTRIBUTE); }
CALL(removed_open) {
    ONE;
    int fd = open_for_reading(one);
    return fd < 0 ? -1 : syscall(SYS_fremovexattr, fd, ATTRIBUTE);
}

CALL(set_at) {
    ONE;
    struct {
        uint64_t value;
        uint32_t size, flags;
    } arguments = {(uintptr_t) "x", 1, 0};
    return syscall(NR_SETXATTRAT, one->directory, one->path, 0, ATTRIBUTE, &arguments, sizeof arguments);
}
CALL(removed_at) { ONE; return syscall(NR_REMOVEXATTRAT, one->directory, one->path, 0, ATTRIBUTE); }

/* A descriptor that only names the file is none to these. */
static int name_only(const struct name *one) { return openat(one->directory, one->path, O_PATH | O_CLOEXEC); }

CALL(mode_path) { ONE; return syscall(SYS_fchmod, name_only(one), 0600); }
CALL(owner_path) { ONE; return syscall(SYS_fchown, name_only(one), getuid(), getgid()); }
CALL(times_path) { ONE; return syscall(SYS_utimensat, name_only(one), NULL, LONG_AGO, 0); }
CALL(set_path) { ONE; return syscall(SYS_fsetxattr, name_only(one), ATTRIBUTE, "x", 1L, 0); }
CALL(removed_path) { ONE; return syscall(SYS_fremovexattr, name_only(one), ATTRIBUTE); }

#ifdef SYS_chmod
CALL(old_mode) { ONE; return syscall(SYS_chmod, one->plain, 0600); }
CALL(old_owner) { ONE; return syscall(SYS_chown, one->plain, getuid(), getgid()); }
CALL(old_owner_link) { ONE; return syscall(SYS_lchown, one->plain, getuid(), getgid()); }
CALL(old_times) {
    ONE;
    const struct utimbuf times = {1, 1};
    return syscall(SYS_utime, one->plain, &times);
}
CALL(old_times_fine) {
    ONE;
    const struct timeval times[2] = {{1, 0}, {1, 0}};
    return syscall(SYS_utimes, one->plain, times);
}
CALL(old_times_at) {
    ONE;
    const struct timeval times[2] = {{1, 0}, {1, 0}};
    return syscall(SYS_futimesat, one->directory, one->path, times);
}
#endif

const struct call metadata_calls[] = {
    {"fchmod", mode_open},
    {"fchmodat", mode_at},
    {"fchmodat2", mode_at_two},
    {"fchmodat2-descriptor", mode_empty},
    {"fchown", owner_open},
    {"fchownat", owner_at},
    {"fchownat-nofollow", owner_at_link},
    {"fchownat-descriptor", owner_empty},
    {"utimensat", times_at},
    {"utimensat-now", times_now},
    {"utimensat-descriptor", times_open},
    {"setxattr", set},
    {"lsetxattr", set_link},
    {"fsetxattr", set_open},
    {"removexattr", removed},
    {"lremovexattr", removed_link},
    {"fremovexattr", removed_open},
    {"setxattrat", set_at},
    {"removexattrat", removed_at},
    {"fchmod-path", mode_path},
    {"fchown-path", owner_path},
    {"utimensat-path", times_path},
    {"fsetxattr-path", set_path},
    {"fremovexattr-path", removed_path},
#ifdef SYS_chmod
    {"chmod", old_mode},
    {"chown", old_owner},
    {"lchown", old_owner_link},
    {"utime", old_times},
    {"utimes", old_times_fine},
    {"futimesat", old_times_at},
#endif
    {0},
};
