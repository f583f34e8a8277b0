/* bare_supervisor PROCESSOR WHAT PROGRAM ARGUMENT...: runs a program under the least that a supervisor can do, and decides
 * nothing. What it takes is the kernel's, and nobody who holds such calls can take less. It protects from nothing.
 *   seen:    an open is received and continued
 *   opened:  an open is received, done here, and the descriptor handed over
 *   started: a start is received and continued, and stopped before its first instruction
 */
#include "samples.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

static int listen_for(unsigned number, unsigned other) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, other, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof code / sizeof *code, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
}

static int answer(int listener, struct seccomp_notif_resp response) {
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

static int go_on(int listener, const struct seccomp_notif *n) {
    return answer(listener, (struct seccomp_notif_resp){.id = n->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE});
}

/* Where the caller's path leads, as this process can say it. */
static int read_path(const struct seccomp_notif *n, int folder, uint64_t address, char *path, size_t size) {
    char given[PATH_MAX + 1] = {0};
    /* Up to the end of the page at least: what lies behind it may not be there. */
    size_t first = 4096 - address % 4096;
    struct iovec here = {given, PATH_MAX};
    struct iovec there[2] = {
        {(void *)(uintptr_t)address, first},
        {(void *)(uintptr_t)(address + first), PATH_MAX - first},
    };
    if (process_vm_readv((pid_t)n->pid, &here, 1, there, first < PATH_MAX ? 2 : 1, 0) < 1)
        return -1;
    int length = *given == '/'         ? snprintf(path, size, "%s", given)
                 : folder == AT_FDCWD ? snprintf(path, size, "/proc/%u/cwd/%s", n->pid, given)
                                      : snprintf(path, size, "/proc/%u/fd/%d/%s", n->pid, folder, given);
    return length < 0 || (size_t)length >= size ? -1 : 0;
}

static int open_for(int listener, const struct seccomp_notif *n) {
    const __u64 *a = n->data.args;
    int at = n->data.nr == SYS_openat;
    char path[PATH_MAX + 64];
    int flags = (int)a[at + 1];
    int file = read_path(n, at ? (int)a[0] : AT_FDCWD, a[at], path, sizeof path)
                   ? -1
                   : open(path, flags | O_CLOEXEC | O_NOCTTY, (mode_t)a[at + 2]);
    if (file < 0)
        return answer(listener, (struct seccomp_notif_resp){.id = n->id, .error = -errno});
    struct seccomp_notif_addfd handed = {
        .id = n->id,
        .flags = SECCOMP_ADDFD_FLAG_SEND,
        .srcfd = (__u32)file,
        .newfd_flags = (__u32)(flags & O_CLOEXEC),
    };
    int result = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &handed);
    close(file);
    return result < 0 ? -1 : 0;
}

/* The stop before the first instruction is where a start can be verified. */
static int start_for(int listener, const struct seccomp_notif *n) {
    pid_t caller = (pid_t)n->pid;
    int status;
    if (ptrace(PTRACE_SEIZE, caller, NULL, (void *)PTRACE_O_TRACEEXEC) || ptrace(PTRACE_INTERRUPT, caller, NULL, NULL) ||
        go_on(listener, n))
        return -1;
    if (waitpid(caller, &status, __WALL) != caller || !WIFSTOPPED(status))
        return -1;
    return (int)ptrace(PTRACE_DETACH, caller, NULL, NULL);
}

static int (*handle)(int, const struct seccomp_notif *);

/* Waits in the call itself, as whoever wants to be fast does. Nothing interrupts it: the end is the other thread's. */
static void *supervise(void *argument) {
    int listener = (int)(intptr_t)argument;
    for (;;) {
        struct seccomp_notif n = {0};
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n) == 0 && handle(listener, &n) && errno != ENOENT)
            perror("bare_supervisor");
    }
    return NULL;
}

int main(int argc, char **argv) {
    int starts = argc > 3 && strcmp(argv[2], "started") == 0;
    int opens = argc > 3 && strcmp(argv[2], "opened") == 0;
    if (argc < 4 || stay_on(argv[1]))
        return 2;
    int number[2];
    if (pipe2(number, O_CLOEXEC))
        return 1;
    /* It shares this process's descriptors until it starts the program: so the listener needs no handing over. */
    pid_t program = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
    if (program == 0) {
        int listener = listen_for(starts ? SYS_execve : SYS_openat, starts ? SYS_execveat : SYS_open);
        if (write(number[1], &listener, sizeof listener) != sizeof listener)
            _exit(126);
        execvp(argv[3], argv + 3);
        _exit(127);
    }
    int listener = -1;
    if (program < 0 || read(number[0], &listener, sizeof listener) != sizeof listener || listener < 0)
        return 1;
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
    handle = starts ? start_for : opens ? open_for : go_on;
    pthread_t thread;
    if (pthread_create(&thread, NULL, supervise, (void *)(intptr_t)listener))
        return 1;
    /* Waiting for the end alone: waitpid would take stops away from the other thread. */
    struct pollfd end = {(int)syscall(SYS_pidfd_open, program, 0), POLLIN, 0};
    int status;
    if (end.fd < 0 || poll(&end, 1, -1) != 1 || waitpid(program, &status, 0) != program)
        return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
