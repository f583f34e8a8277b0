#define _GNU_SOURCE
#include "shepherd.h"
#include "die.h"
#include "protocol.gen.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Kept free by shepherd_init: no other descriptor of the warden has these numbers. */
enum { REPORT_FD = 3, FAILURE_FD = 4, EXIT_NOT_STARTED = 127 };

static void close_from(unsigned lowest) { syscall(SYS_close_range, lowest, ~0U, 0); }

struct failure {
    uint32_t stage, error;
};

static void tell(uint32_t kind, uint32_t first, uint32_t second) {
    struct report report = {kind, first, second};
    /* One packet. Without a reader there is no sandbox any more. */
    if (send(REPORT_FD, &report, sizeof report, MSG_NOSIGNAL) != sizeof report)
        _exit(1);
}

/* The listener goes to the warden before the first call that is trapped. */
static bool send_listener(int listener) {
    struct report report = {.kind = REPORT_LISTENER};
    struct iovec bytes = {&report, sizeof report};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &listener, sizeof listener);
    return sendmsg(REPORT_FD, &message, MSG_NOSIGNAL) == (ssize_t)sizeof report;
}

ssize_t shepherd_read(int report_fd, struct report *report, int *listener) {
    struct iovec bytes = {report, sizeof *report};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *listener = -1;
    ssize_t count = recvmsg(report_fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    struct cmsghdr *header = count > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(listener, CMSG_DATA(header), sizeof *listener);
    return count;
}

static stage take_stdio(const struct task *task) {
    if (setsid() < 0)
        return STAGE_FORK;
    if (task->terminal && ioctl(task->stdio[0], TIOCSCTTY, 0))
        return STAGE_TERMINAL;
    for (int fd = 0; fd < 3; fd++)
        if (dup2(task->stdio[fd], fd) < 0)
            return STAGE_FORK;
    return 0;
}

/* A program gets the signals that it expects. A file operation goes on without: it can be killed, not held up. */
static void take_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
}

__attribute__((noreturn)) static void be_first(const struct task *task, int failure_fd) {
    stage failed = take_stdio(task);
    if (!failed && failure_fd != FAILURE_FD)
        failed = dup3(failure_fd, FAILURE_FD, O_CLOEXEC) < 0 ? STAGE_FORK : 0;
    /* After this only stdio and the report of a failure are left; Landlock keeps its own descriptor until then. */
    int listener = -1;
    if (!failed)
        failed = confine(task->confinement, &listener);
    if (!failed && listener >= 0 && !send_listener(listener))
        failed = STAGE_SECCOMP;
    if (!failed) {
        /* What it asks the supervisor lies in its memory. Nobody else may look: it is alone in its Landlock domain. */
        if (listener >= 0)
            prctl(PR_SET_DUMPABLE, 1);
        close(REPORT_FD);
        close_from(FAILURE_FD + 1);
        if (!task->ours)
            take_signals();
        failed = task->run(task);
        failure_fd = FAILURE_FD;
    }
    struct failure failure = {failed, (uint32_t)errno};
    if (failed && write(failure_fd, &failure, sizeof failure) != sizeof failure)
        _exit(1);
    _exit(failed ? EXIT_NOT_STARTED : 0);
}

/* Waits until the first process runs its program, or reports why it does not. A program closes the pipe by starting;
 * a file operation by ending. */
static bool await_start(int failure_fd, struct failure *failure) {
    for (;;) {
        ssize_t count = read(failure_fd, failure, sizeof *failure);
        if (count == (ssize_t)sizeof *failure)
            return false;
        if (count == 0)
            return true;
        if (errno != EINTR) {
            *failure = (struct failure){STAGE_FORK, (uint32_t)errno};
            return false;
        }
    }
}

__attribute__((noreturn)) static void be_shepherd(const struct task *task) {
    prctl(PR_SET_NAME, "shepherd");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int failure_pipe[2];
    pid_t first = -1;
    if (pipe2(failure_pipe, O_CLOEXEC) == 0)
        first = fork();
    if (first < 0) {
        tell(REPORT_FAILED, STAGE_FORK, (uint32_t)errno);
        _exit(0);
    }
    if (first == 0)
        be_first(task, failure_pipe[1]);
    /* Everything but the reports and the failures goes, the link and the ends of other commands' pipes with it. */
    dup2(failure_pipe[0], FAILURE_FD);
    close_from(FAILURE_FD + 1);
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    struct failure failure;
    /* A file operation that failed closes the pipe by its report. */
    if (await_start(FAILURE_FD, &failure))
        tell(REPORT_STARTED, (uint32_t)first, 0);
    else
        tell(REPORT_FAILED, failure.stage, failure.error);
    close(FAILURE_FD);
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, 0);
        if (pid == first)
            tell(REPORT_EXITED, (uint32_t)status, 0);
        else if (pid < 0 && errno == ECHILD)
            _exit(0);
    }
}

pid_t shepherd_start(const struct task *task, int *report_fd) {
    int reports[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, reports))
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        if (dup3(reports[1], REPORT_FD, O_CLOEXEC) < 0)
            _exit(1);
        be_shepherd(task);
    }
    int error = errno;
    close(reports[1]);
    if (pid < 0)
        close(reports[0]);
    else
        *report_fd = reports[0];
    errno = error;
    return pid;
}

void shepherd_init(void) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        die_errno("cannot open /dev/null");
    for (int fd = REPORT_FD; fd <= FAILURE_FD; fd++)
        if (null != fd && dup3(null, fd, O_CLOEXEC) < 0)
            die_errno("cannot reserve descriptor %d", fd);
    if (null > FAILURE_FD)
        close(null);
}
