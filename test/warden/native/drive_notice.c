/* Answers calls of a child in every way that notice.h has; each line of the output is what the child saw. */
#define _GNU_SOURCE
#include "notice.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 3000, LISTENER = 50 };

static int null;
static volatile sig_atomic_t interruptions;

static void check(bool fine, const char *what) {
    if (fine)
        return;
    fprintf(stderr, "drive_notice: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* ---- the child ---- */

static void trap(void) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "prctl");
    long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    check(fd >= 0 && dup2((int)fd, LISTENER) == LISTENER, "a listener");
}

static long call(void) {
    errno = 0;
    return syscall(SYS_getppid);
}

static bool is_null(long fd) {
    struct stat given, ours;
    return fd > 2 && fstat((int)fd, &given) == 0 && fstat(null, &ours) == 0 && given.st_rdev == ours.st_rdev;
}

static void see_given(void) {
    long fd = call();
    printf("{\"given\":%d,\"closeOnExec\":%d}\n", is_null(fd), fcntl((int)fd, F_GETFD) & FD_CLOEXEC);
    close((int)fd);
}

__attribute__((noreturn)) static void be_child(int ready) {
    check(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "prctl");
    trap();
    check(write(ready, "", 1) == 1, "write");
    for (int i = 0; i < 2; i++)
        printf("{\"failed\":\"%s\"}\n", call() == -1 ? strerrorname_np(errno) : "not");
    printf("{\"returned\":%ld}\n", call());
    printf("{\"continued\":%d}\n", call() > 2);
    see_given();
    see_given();
    printf("{\"refused\":\"EBADF\",\"so\":\"%s\"}\n", call() == -1 ? strerrorname_np(errno) : "not");
    int right = 0;
    for (int i = 0; i < MANY; i++) {
        long fd = call();
        right += is_null(fd);
        if (fd > 2)
            close((int)fd);
    }
    printf("{\"interrupted\":1,\"right\":%d}\n", right);
    fflush(stdout);
    call();
    _exit(1);
}

/* ---- the parent ---- */

static struct notice receive(int listener) {
    struct seccomp_notif n;
    int result;
    do {
        memset(&n, 0, sizeof n);
        result = ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n);
    } while (result && errno == EINTR);
    check(result == 0, "receive");
    return (struct notice){.listener = listener, .id = n.id, .tid = (pid_t)n.pid};
}

static void on_alarm(int number) {
    (void)number;
    interruptions++;
}

static void give_under_fire(int listener) {
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval often = {{0, 50}, {0, 50}}, never = {0};
    check(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0, "a timer");
    for (int i = 0; i < MANY; i++) {
        struct notice n = receive(listener);
        check(notice_is_live(&n), "live under fire");
        check(notice_give(&n, null, true), "give under fire");
    }
    setitimer(ITIMER_REAL, &never, NULL);
    check(interruptions > 0, "no interruption");
}

static int take_listener(pid_t child) {
    int process = (int)syscall(SYS_pidfd_open, child, 0);
    check(process >= 0, "pidfd_open");
    int listener = (int)syscall(SYS_pidfd_getfd, process, LISTENER, 0);
    check(listener >= 0, "pidfd_getfd");
    return listener;
}

int main(void) {
    int ready[2];
    char byte;
    check((null = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && pipe2(ready, O_CLOEXEC) == 0, "descriptors");
    pid_t child = fork();
    check(child >= 0, "fork");
    if (child == 0)
        be_child(ready[1]);
    check(read(ready[0], &byte, 1) == 1, "the child");
    int listener = take_listener(child);
    struct notice n = receive(listener);
    notice_fail(&n, EPERM);
    n = receive(listener);
    notice_fail(&n, 0);
    n = receive(listener);
    notice_return(&n, 1234);
    n = receive(listener);
    notice_continue(&n);
    n = receive(listener);
    check(notice_give(&n, null, true), "give");
    n = receive(listener);
    check(notice_give(&n, null, false), "give");
    n = receive(listener);
    check(!notice_give(&n, 999, true) && errno == EBADF && notice_is_live(&n), "give nothing");
    notice_fail(&n, EIO);
    give_under_fire(listener);
    n = receive(listener);
    bool live = notice_is_live(&n);
    check(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child, "kill");
    bool gone = !notice_is_live(&n), given = notice_give(&n, null, true);
    notice_fail(&n, EIO);
    printf("{\"live\":%d,\"gone\":%d,\"givenToNobody\":%d}\n", live, gone, given);
    return 0;
}
