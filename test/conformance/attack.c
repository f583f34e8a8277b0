/* One attack for each call: prints what came of it, "done" or the name of the errno. The same program runs inside a
 * sandbox, where the attack must fail, and outside, where it must work: a refusal that is there anyway proves nothing. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int socket_of(int family, int type, int protocol) { return socket(family, type, protocol); }

static long io_uring(void) {
    struct io_uring_params parameters = {0};
    return syscall(SYS_io_uring_setup, 1, &parameters);
}

static long user_notification(void) {
    struct {
        unsigned short length;
        void *filter;
    } program;
    struct {
        unsigned short code;
        unsigned char jt, jf;
        unsigned int k;
    } allow = {0x06, 0, 0, SECCOMP_RET_ALLOW};
    program.length = 1;
    program.filter = &allow;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static long trace_child(void) {
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    long result = ptrace(PTRACE_SEIZE, child, 0, 0);
    int error = errno;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    errno = error;
    return result;
}

static long read_child(void) {
    char secret = 'x', copy = 0;
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    struct iovec local = {&copy, 1}, remote = {&secret, 1};
    long result = syscall(SYS_process_vm_readv, child, &local, 1, &remote, 1, 0);
    int error = errno;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    errno = error;
    return result == 1 ? 0 : -1;
}

static long foreign_call(void) {
#ifdef __x86_64__
    /* getpid() of i386 and of x32: a filter for x86-64 numbers would take them for other calls. */
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
    return result > 0 ? 0 : (errno = ENOSYS, -1);
#else
    return errno = ENOSYS, -1;
#endif
}

static long x32_call(void) {
    long result = syscall(0x40000000 + 39);
    return result > 0 ? 0 : -1;
}

static long type_into_terminal(void) {
    int outer, inner;
    char character = 'x';
    if (openpty(&outer, &inner, NULL, NULL, NULL))
        return -1;
    if (setsid() < 0 && fork() != 0)
        _exit(0);
    setsid();
    ioctl(inner, TIOCSCTTY, 0);
    return ioctl(inner, TIOCSTI, &character);
}

static long fast_open(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    long result = sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&address, sizeof address);
    /* Refused by the peer: it did connect. */
    return result >= 0 || errno == ECONNREFUSED || errno == EINPROGRESS ? 0 : -1;
}

static long chmod_through_descriptor(const char *path) {
    int fd = open(path, O_RDONLY);
    return fd < 0 ? -1 : fchmod(fd, 0777);
}

static long connect_unix(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, sizeof address);
}

static long raise_parent_limit(void) {
    struct rlimit none = {64, 64};
    return prlimit(getppid(), RLIMIT_NOFILE, &none, NULL);
}

static long touch(const char *path) {
    struct timespec times[2] = {{1, 0}, {1, 0}};
    return utimensat(AT_FDCWD, path, times, 0);
}

static long attack(const char *name, const char *path) {
    if (!strcmp(name, "io_uring")) return io_uring();
    if (!strcmp(name, "listener")) return user_notification();
    if (!strcmp(name, "ptrace")) return trace_child();
    if (!strcmp(name, "process_vm_readv")) return read_child();
    if (!strcmp(name, "i386")) return foreign_call();
    if (!strcmp(name, "x32")) return x32_call();
    if (!strcmp(name, "tiocsti")) return type_into_terminal();
    if (!strcmp(name, "fastopen")) return fast_open();
    if (!strcmp(name, "vsock")) return socket_of(AF_VSOCK, SOCK_STREAM, 0);
    if (!strcmp(name, "alg")) return socket_of(AF_ALG, SOCK_SEQPACKET, 0);
    if (!strcmp(name, "packet")) return socket_of(AF_PACKET, SOCK_RAW, 0);
    if (!strcmp(name, "raw")) return socket_of(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    if (!strcmp(name, "mptcp")) return socket_of(AF_INET, SOCK_STREAM, 262);
    if (!strcmp(name, "netlink-audit")) return socket_of(AF_NETLINK, SOCK_RAW, 9);
    if (!strcmp(name, "netlink-route")) return socket_of(AF_NETLINK, SOCK_RAW, 0);
    if (!strcmp(name, "tcp")) return socket_of(AF_INET, SOCK_STREAM, 0);
    if (!strcmp(name, "unix")) return socket_of(AF_UNIX, SOCK_STREAM, 0);
    if (!strcmp(name, "connect-unix")) return connect_unix(path);
    if (!strcmp(name, "unshare-user")) return unshare(CLONE_NEWUSER);
    if (!strcmp(name, "unshare-net")) return unshare(CLONE_NEWNET);
    if (!strcmp(name, "clone-user")) return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) < 0 ? -1 : 0;
    if (!strcmp(name, "clone3")) return syscall(SYS_clone3, NULL, 0) < 0 && errno == EINVAL ? 0 : -1;
    if (!strcmp(name, "mount")) return mount("none", "/tmp", "tmpfs", 0, NULL);
    if (!strcmp(name, "fsopen")) return syscall(SYS_fsopen, "tmpfs", 0);
    if (!strcmp(name, "chroot")) return chroot("/tmp");
    if (!strcmp(name, "bpf")) return syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EINVAL ? 0 : -1;
    if (!strcmp(name, "perf")) return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0) < 0 && errno == EFAULT ? 0 : -1;
    if (!strcmp(name, "userfaultfd")) return syscall(SYS_userfaultfd, 1);
    if (!strcmp(name, "keyctl")) return syscall(SYS_keyctl, 0, -3, 1) < 0 ? -1 : 0;
    if (!strcmp(name, "personality")) return personality(ADDR_NO_RANDOMIZE);
    if (!strcmp(name, "prlimit-other")) return raise_parent_limit();
    if (!strcmp(name, "setpriority-warden")) return setpriority(PRIO_PROCESS, 1, 19);
    if (!strcmp(name, "kill-warden")) return kill(1, SIGKILL);
    if (!strcmp(name, "mknod")) return mknod(path, S_IFCHR | 0600, 0x0101);
    if (!strcmp(name, "open-by-handle")) return syscall(SYS_open_by_handle_at, -1, NULL, 0) < 0 && errno == EFAULT ? 0 : -1;
    if (!strcmp(name, "chmod")) return chmod(path, 0777);
    if (!strcmp(name, "fchmod")) return chmod_through_descriptor(path);
    if (!strcmp(name, "utime")) return touch(path);
    if (!strcmp(name, "setxattr")) return setxattr(path, "user.attack", "x", 1, 0);
    if (!strcmp(name, "truncate")) return truncate(path, 0);
    if (!strcmp(name, "open-write")) return open(path, O_WRONLY);
    if (!strcmp(name, "open-read")) return open(path, O_RDONLY);
    if (!strcmp(name, "unlink")) return unlink(path);
    fprintf(stderr, "no attack of that name: %s\n", name);
    exit(2);
}

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    errno = 0;
    if (attack(argv[1], argc > 2 ? argv[2] : "") >= 0)
        puts("done");
    else
        puts(strerrorname_np(errno));
    return 0;
}
