/* The supervisor that must not be: it reads what a call was told, judges that, and lets the call continue, which then
 * reads it again. It shows that the races of flip.c can be won. KIND PROGRAM ARGUMENT... runs the program under it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *kind;
    int number, argument; /* that says what it is about */
} traps[] = {
    {"open", SYS_openat, 1},       {"openat2", SYS_openat2, 1},    {"unlink", SYS_unlinkat, 1},
    {"rename", SYS_renameat2, 1},  {"execve", SYS_execve, 0},      {"argument", SYS_execve, 1},
    {"interpreter", SYS_execve, 0},
    {"connect", SYS_connect, 1},   {"symlink", SYS_openat, 1},     {"parent", SYS_openat, 1},
};

static int trap;

static int listen_for(int number) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof code / sizeof *code, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
}

static void pass(int channel, int fd) {
    char byte = 0, control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    if (sendmsg(channel, &message, 0) < 0)
        perror("sendmsg");
}

static int take(int channel) {
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    int fd = -1;
    if (recvmsg(channel, &message, 0) == 1 && CMSG_FIRSTHDR(&message))
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

/* What lies at an address of the caller, up to the end of that page: none where it cannot be read. */
static size_t peek(unsigned pid, uint64_t address, void *bytes, size_t size) {
    char name[64];
    snprintf(name, sizeof name, "/proc/%u/mem", pid);
    int memory = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t got = memory < 0 ? -1 : pread(memory, bytes, size, (off_t)address);
    if (got < 0 && size > 4096 - address % 4096)
        got = pread(memory, bytes, 4096 - address % 4096, (off_t)address);
    close(memory);
    return got < 0 ? 0 : (size_t)got;
}

static bool has_denied_part(char *path) {
    char *rest = NULL;
    for (char *part = strtok_r(path, "/", &rest); part; part = strtok_r(NULL, "/", &rest))
        if (!strcmp(part, "d") || !strcmp(part, "sd") || !strcmp(part, "dd"))
            return true;
    return false;
}

/* Judged as well as can be: by where the path leads at this moment. */
static bool is_denied(const struct seccomp_notif *notice) {
    char text[PATH_MAX + 1] = {0}, real[PATH_MAX];
    uint64_t address = notice->data.args[traps[trap].argument];
    if (!strcmp(traps[trap].kind, "connect"))
        address += offsetof(struct sockaddr_un, sun_path);
    if (!strcmp(traps[trap].kind, "argument")) {
        uint64_t arguments[2] = {0};
        peek(notice->pid, address, arguments, sizeof arguments);
        address = arguments[1];
    }
    peek(notice->pid, address, text, PATH_MAX);
    /* What the program names as its interpreter lies beside it. */
    char *name = strrchr(text, '/');
    if (name && !strcmp(traps[trap].kind, "interpreter"))
        strcpy(name, "/l");
    return has_denied_part(realpath(text, real) ? real : text);
}

static void supervise(int listener) {
    struct pollfd waiting = {listener, POLLIN, 0};
    while (poll(&waiting, 1, -1) > 0 && waiting.revents & POLLIN) {
        struct seccomp_notif notice = {0};
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notice))
            continue;
        bool denied = is_denied(&notice);
        struct seccomp_notif_resp response = {
            .id = notice.id,
            .error = denied ? -EACCES : 0,
            .flags = denied ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE,
        };
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response))
            errno = 0; /* The caller is gone. */
    }
}

int main(int argc, char **argv) {
    int channel[2], status = 1;
    size_t count = sizeof traps / sizeof *traps, index = 0;
    while (argc > 2 && index < count && strcmp(traps[index].kind, argv[1]))
        index++;
    if (argc < 3 || index == count || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel))
        return 2;
    trap = (int)index;
    pid_t child = fork();
    if (child == 0) {
        int listener = listen_for(traps[trap].number);
        if (listener < 0)
            _exit(3);
        pass(channel[0], listener);
        close(listener);
        close(channel[0]);
        close(channel[1]);
        execv(argv[2], argv + 2);
        _exit(4);
    }
    close(channel[0]);
    int listener = take(channel[1]);
    if (listener >= 0)
        supervise(listener);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 5;
}
