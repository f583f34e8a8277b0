/* Attacks on files: each names one path, and some another. */
#define _GNU_SOURCE
#include "attack.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ATTACK(name) static long name(const char *path, const char *other)
#define UNUSED (void)other

static const struct timespec LONG_AGO[2] = {{1, 0}, {1, 0}};

/* As a user's own file can be opened, whatever its mode. */
static int for_reading(const char *path) { return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); }

ATTACK(open_read) { UNUSED; return for_reading(path); }
ATTACK(open_write) { UNUSED; return open(path, O_WRONLY | O_NONBLOCK); }
ATTACK(open_append) { UNUSED; return open(path, O_WRONLY | O_APPEND); }
ATTACK(open_truncate) { UNUSED; return open(path, O_RDONLY | O_TRUNC); }
ATTACK(create) { UNUSED; return open(path, O_WRONLY | O_CREAT | O_EXCL, 0600); }
ATTACK(create_unnamed) { UNUSED; return open(path, O_WRONLY | O_TMPFILE, 0600); }
ATTACK(old_create) { UNUSED; return syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, 0600); }

/* A program that would run as its owner: as it is made, or once it is there. */
ATTACK(create_set_id) { UNUSED; return open(path, O_WRONLY | O_CREAT | O_EXCL, 06755); }
ATTACK(make_set_id) { UNUSED; return mknod(path, S_IFREG | 06755, 0); }
ATTACK(change_mode_set_id) { UNUSED; return chmod(path, 06755); }
ATTACK(change_mode_set_group) { UNUSED; int fd = for_reading(path); return fd < 0 ? -1 : fchmod(fd, 02755); }

ATTACK(openat2_set_id) {
    UNUSED;
    struct open_how how = {.flags = O_WRONLY | O_CREAT | O_EXCL, .mode = 06755};
    return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

ATTACK(openat2_write) {
    UNUSED;
    struct open_how how = {.flags = O_WRONLY};
    return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

ATTACK(reopen_write) {
    UNUSED;
    char again[64];
    int fd = for_reading(path);
    if (fd < 0)
        return -1;
    snprintf(again, sizeof again, "/proc/self/fd/%d", fd);
    return open(again, O_WRONLY);
}

ATTACK(map_write) {
    UNUSED;
    int fd = for_reading(path), writable = open(path, O_RDWR);
    if (fd < 0)
        return -1;
    void *map = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, writable >= 0 ? writable : fd, 0);
    return map == MAP_FAILED ? -1 : 0;
}

ATTACK(cut) { UNUSED; return truncate(path, 0); }
ATTACK(remove_file) { UNUSED; return unlink(path); }
ATTACK(remove_directory) { UNUSED; return rmdir(path); }
ATTACK(make_directory) { UNUSED; return mkdir(path, 0700); }
ATTACK(make_fifo) { UNUSED; return mkfifo(path, 0600); }
ATTACK(make_device) { UNUSED; return mknod(path, S_IFCHR | 0600, 0x0101); }
ATTACK(make_link) { return link(path, other); }
ATTACK(make_symlink) { UNUSED; return symlink("/etc/passwd", path); }
ATTACK(move) { return rename(path, other); }
ATTACK(exchange) { return renameat2(AT_FDCWD, path, AT_FDCWD, other, RENAME_EXCHANGE); }

ATTACK(change_mode) { UNUSED; return chmod(path, 0777); }
ATTACK(change_mode_open) { UNUSED; int fd = for_reading(path); return fd < 0 ? -1 : fchmod(fd, 0777); }
ATTACK(change_mode_at) { UNUSED; return fchmodat(AT_FDCWD, path, 0777, 0); }

ATTACK(change_mode_path) {
    UNUSED;
    char again[64];
    int fd = open(path, O_PATH);
    if (fd < 0)
        return -1;
    snprintf(again, sizeof again, "/proc/self/fd/%d", fd);
    return chmod(again, 0777);
}

/* To oneself: what an owner may do without any privilege. */
ATTACK(change_owner) { UNUSED; return chown(path, getuid(), getgid()); }
ATTACK(change_owner_link) { UNUSED; return lchown(path, getuid(), getgid()); }
ATTACK(change_times) { UNUSED; return utimensat(AT_FDCWD, path, LONG_AGO, 0); }
ATTACK(change_times_open) { UNUSED; int fd = for_reading(path); return fd < 0 ? -1 : futimens(fd, LONG_AGO); }
ATTACK(set_attribute) { UNUSED; return setxattr(path, "user.attack", "x", 1, 0); }

ATTACK(set_attribute_open) {
    UNUSED;
    int fd = for_reading(path);
    return fd < 0 ? -1 : fsetxattr(fd, "user.attack", "x", 1, 0);
}

ATTACK(remove_attribute) {
    UNUSED;
    setxattr(path, "user.attack", "x", 1, 0);
    return removexattr(path, "user.attack");
}

static struct sockaddr_un address_of(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    return address;
}

ATTACK(bind_unix) {
    UNUSED;
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof address);
}

ATTACK(connect_unix) {
    UNUSED;
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, sizeof address);
}

ATTACK(send_unix) {
    UNUSED;
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    return fd < 0 ? -1 : sendto(fd, "x", 1, 0, (struct sockaddr *)&address, sizeof address);
}

/* A pair needs no socket(), and its ends can still name where they send to. */
static long send_from_pair(const char *path, int type) {
    struct sockaddr_un address = address_of(path);
    int pair[2];
    if (socketpair(AF_UNIX, type, 0, pair))
        return -1;
    return sendto(pair[0], "x", 1, 0, (struct sockaddr *)&address, sizeof address);
}

ATTACK(send_unix_pair) { UNUSED; return send_from_pair(path, SOCK_DGRAM); }
/* Which the kernel makes a datagram socket of. */
ATTACK(send_unix_raw_pair) { UNUSED; return send_from_pair(path, SOCK_RAW); }

ATTACK(send_unix_raw) {
    UNUSED;
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_RAW, 0);
    return fd < 0 ? -1 : sendto(fd, "x", 1, 0, (struct sockaddr *)&address, sizeof address);
}

ATTACK(connect_unix_sequence) {
    UNUSED;
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, sizeof address);
}

const struct attack path_attacks[] = {
    {"open-read", open_read},
    {"open-write", open_write},
    {"open-append", open_append},
    {"open-truncate", open_truncate},
    {"create", create},
    {"create-unnamed", create_unnamed},
    {"old-create", old_create},
    {"create-set-id", create_set_id},
    {"mknod-set-id", make_set_id},
    {"openat2-set-id", openat2_set_id},
    {"chmod-set-id", change_mode_set_id},
    {"fchmod-set-group", change_mode_set_group},
    {"openat2-write", openat2_write},
    {"reopen-write", reopen_write},
    {"map-write", map_write},
    {"truncate", cut},
    {"unlink", remove_file},
    {"rmdir", remove_directory},
    {"mkdir", make_directory},
    {"mkfifo", make_fifo},
    {"mknod", make_device},
    {"link", make_link},
    {"symlink", make_symlink},
    {"rename", move},
    {"exchange", exchange},
    {"chmod", change_mode},
    {"fchmod", change_mode_open},
    {"fchmodat", change_mode_at},
    {"chmod-path-fd", change_mode_path},
    {"chown", change_owner},
    {"lchown", change_owner_link},
    {"utime", change_times},
    {"futime", change_times_open},
    {"setxattr", set_attribute},
    {"fsetxattr", set_attribute_open},
    {"removexattr", remove_attribute},
    {"bind-unix", bind_unix},
    {"connect-unix", connect_unix},
    {"connect-unix-sequence", connect_unix_sequence},
    {"send-unix", send_unix},
    {"send-unix-raw", send_unix_raw},
    {"send-unix-pair", send_unix_pair},
    {"send-unix-raw-pair", send_unix_raw_pair},
    {0},
};
