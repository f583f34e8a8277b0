/* Calls that make, remove and move names. */
#define _GNU_SOURCE
#include "mediate.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

CALL(unlink_at) { ONE; return syscall(SYS_unlinkat, one->directory, one->path, 0); }
CALL(rmdir_at) { ONE; return syscall(SYS_unlinkat, one->directory, one->path, AT_REMOVEDIR); }

static long rename_raw(const struct name *one, const struct name *other, unsigned flags) {
    return syscall(SYS_renameat2, one->directory, one->path, other->directory, other->path, flags);
}

CALL(rename_two) { return rename_raw(one, other, 0); }
CALL(rename_no_replace) { return rename_raw(one, other, 1 /* RENAME_NOREPLACE */); }
CALL(rename_exchange) { return rename_raw(one, other, 2 /* RENAME_EXCHANGE */); }

static long link_raw(int from, const char *path, const struct name *other, int flags) {
    return syscall(SYS_linkat, from, path, other->directory, other->path, flags);
}

CALL(link_at) { return link_raw(one->directory, one->path, other, 0); }
CALL(link_follow) { return link_raw(one->directory, one->path, other, AT_SYMLINK_FOLLOW); }

CALL(link_open) {
    char path[64];
    int fd = openat(one->directory, one->path, O_PATH | O_NOFOLLOW);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return fd < 0 ? -1 : link_raw(AT_FDCWD, path, other, AT_SYMLINK_FOLLOW);
}

CALL(symlink_at) { ONE; return syscall(SYS_symlinkat, "somewhere", one->directory, one->path); }
CALL(mkdir_at) { ONE; return syscall(SYS_mkdirat, one->directory, one->path, 0750); }
CALL(fifo_at) { ONE; return syscall(SYS_mknodat, one->directory, one->path, S_IFIFO | 0640, 0); }
CALL(file_at) { ONE; return syscall(SYS_mknodat, one->directory, one->path, S_IFREG | 0640, 0); }
CALL(device_at) { ONE; return syscall(SYS_mknodat, one->directory, one->path, S_IFCHR | 0640, makedev(1, 3)); }

/* A unix socket's address has room for 107 bytes: a longer path is not for it. */
static long with_socket(const struct name *one, int type, int (*call)(int, const struct sockaddr *, socklen_t)) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(one->plain);
    if (length >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, one->plain, length + 1);
    int fd = socket(AF_UNIX, type, 0);
    return fd < 0 ? -1 : call(fd, (struct sockaddr *)&address, sizeof address);
}

static int bind_call(int fd, const struct sockaddr *address, socklen_t size) { return bind(fd, address, size); }
static int connect_call(int fd, const struct sockaddr *address, socklen_t size) { return connect(fd, address, size); }

CALL(bind_stream) { ONE; return with_socket(one, SOCK_STREAM, bind_call); }
CALL(bind_packets) { ONE; return with_socket(one, SOCK_SEQPACKET, bind_call); }
CALL(connect_stream) { ONE; return with_socket(one, SOCK_STREAM, connect_call); }

/* Without waiting: what does not block must not be made to. */
CALL(connect_at_once) { ONE; return with_socket(one, SOCK_STREAM | SOCK_NONBLOCK, connect_call); }

#ifdef SYS_unlink
CALL(old_unlink) { ONE; return syscall(SYS_unlink, one->plain); }
CALL(old_rmdir) { ONE; return syscall(SYS_rmdir, one->plain); }
CALL(old_rename) { return syscall(SYS_rename, one->plain, other->plain); }
CALL(rename_at) { return syscall(SYS_renameat, one->directory, one->path, other->directory, other->path); }
CALL(old_link) { return syscall(SYS_link, one->plain, other->plain); }
CALL(old_symlink) { ONE; return syscall(SYS_symlink, "somewhere", one->plain); }
CALL(old_mkdir) { ONE; return syscall(SYS_mkdir, one->plain, 0750); }
CALL(old_fifo) { ONE; return syscall(SYS_mknod, one->plain, S_IFIFO | 0640, 0); }
#endif

const struct call name_calls[] = {
    {"unlinkat", unlink_at},
    {"unlinkat-folder", rmdir_at},
    {"renameat2", rename_two},
    {"renameat2-noreplace", rename_no_replace},
    {"renameat2-exchange", rename_exchange},
    {"linkat", link_at},
    {"linkat-follow", link_follow},
    {"linkat-descriptor", link_open},
    {"symlinkat", symlink_at},
    {"mkdirat", mkdir_at},
    {"mknodat-fifo", fifo_at},
    {"mknodat-file", file_at},
    {"mknodat-device", device_at},
    {"bind", bind_stream},
    {"bind-packets", bind_packets},
    {"connect", connect_stream},
    {"connect-nonblocking", connect_at_once},
#ifdef SYS_unlink
    {"unlink", old_unlink},
    {"rmdir", old_rmdir},
    {"rename", old_rename},
    {"renameat", rename_at},
    {"link", old_link},
    {"symlink", old_symlink},
    {"mkdir", old_mkdir},
    {"mknod-fifo", old_fifo},
#endif
    {0},
};
