/* A small warden for start-race.test.ts: a supervisor that judges and verifies every start of an agent, and agents that race
 * it. `race_start WAY SCENARIO FOLDER ROUNDS`, where WAY is `verify`; or, as controls, `continue`: what was judged just goes
 * on; `free`: everything does. */
#define _GNU_SOURCE
#include "race_start.h"
#include "hash_cache.h"
#include "hashing.h"
#include "host_line.h"
#include "start_judge.h"
#include "stub_supervisor.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned approved, refused, mismatches, traced;
static enum { VERIFY, CONTINUE, FREE } way;

/* What was hashed for a stop, on its way back to the thread that traces. */
static int hashed[2];

void host_line_hashed(struct hash_job *job) {
    if (write(hashed[1], &job, sizeof job) != sizeof job)
        abort();
}

static void fail(const char *what) {
    perror(what);
    exit(3);
}

static void on_mismatch(const struct approval *approval, const char *found) {
    (void)approval;
    (void)found;
    mismatches++;
}

static int install_filter(void) {
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof program / sizeof *program, program};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                        SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &filter);
}

static void judge(const struct notice *notice) {
    struct start start;
    if (way == FREE) {
        notice_continue(notice);
        return;
    }
    int error = start_judge(notice, &start);
    while (error == START_WAITS) {
        bool stable;
        uint8_t digest[32];
        int file = start_to_hash(&start, &stable);
        error = start_judge_on(&start, hash_file(file, digest, NULL) ? digest : NULL);
    }
    if (error) {
        refused++;
        notice_fail(notice, error);
    } else if (way == CONTINUE) {
        notice_continue(notice);
    } else {
        approved++;
        start_approve(start.approval);
        start.approval = NULL;
    }
    start_free(&start);
}

static void receive(int listener) {
    struct seccomp_notif n = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n))
        return;
    struct notice notice = {
        .listener = listener, .id = n.id, .tid = (pid_t)n.pid, .number = n.data.nr, .tables = &stub_tables};
    for (int i = 0; i < 6; i++)
        notice.arguments[i] = n.data.args[i];
    judge(&notice);
}

/* False: the agent has ended. */
static bool reap(pid_t agent, int *status) {
    for (;;) {
        int found;
        pid_t pid = waitpid(-1, &found, WNOHANG | __WALL);
        if (pid <= 0)
            return true;
        if (start_stopped(pid, found))
            traced++;
        else if (pid == agent) {
            *status = found;
            return false;
        }
    }
}

static int take_listener(int socket) {
    char byte;
    struct iovec bytes = {&byte, 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr m = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int fd;
    if (recvmsg(socket, &m, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&m))
        fail("no listener");
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
    return fd;
}

static void give_listener(int socket, int fd) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec bytes = {"l", 1};
    struct msghdr m = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *CMSG_FIRSTHDR(&m) =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &fd, sizeof fd);
    if (sendmsg(socket, &m, 0) != 1)
        fail("cannot give the listener");
    close(fd);
    close(socket);
}

static pid_t start_agent(const struct scenario *scenario, const char *folder, int rounds, int *listener) {
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
        fail("socketpair");
    pid_t agent = fork();
    if (agent == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        int fd = install_filter();
        if (fd < 0)
            fail("cannot install the filter");
        give_listener(sockets[1], fd);
        if (chdir(folder))
            fail("chdir");
        scenario->run(rounds);
        fflush(stdout);
        _exit(0);
    }
    close(sockets[1]);
    *listener = take_listener(sockets[0]);
    close(sockets[0]);
    return agent;
}

static const struct scenario *find(const char *name) {
    for (size_t i = 0; i < scenario_count; i++)
        if (strcmp(scenarios[i].name, name) == 0)
            return &scenarios[i];
    errno = EINVAL;
    fail(name);
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 5)
        return 2;
    way = strcmp(arguments[1], "verify") == 0 ? VERIFY : strcmp(arguments[1], "continue") == 0 ? CONTINUE : FREE;
    const struct scenario *scenario = find(arguments[2]);
    stub_choose_good(arguments[3]);
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    int signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK), listener, status = 0;
    start_on_mismatch = on_mismatch;
    stub_tables.flags |= scenario->flags;
    pid_t agent = start_agent(scenario, arguments[3], atoi(arguments[4]), &listener);
    if (pipe2(hashed, O_CLOEXEC) || !hashing_start())
        fail("cannot hash");
    struct pollfd polled[] = {{listener, POLLIN, 0}, {signals, POLLIN, 0}, {hashed[0], POLLIN, 0}};
    do {
        poll(polled, 3, -1);
        struct hash_job *job;
        if (polled[2].revents & POLLIN && read(hashed[0], &job, sizeof job) == sizeof job)
            start_hashed(job);
        struct signalfd_siginfo info;
        while (read(signals, &info, sizeof info) > 0)
            continue;
        if (polled[0].revents & POLLIN)
            receive(listener);
        if (polled[0].revents & POLLHUP)
            polled[0].fd = -1;
    } while (reap(agent, &status));
    printf("supervisor: approved %u refused %u mismatches %u stops %u agent %d\n", approved, refused, mismatches, traced,
           status);
    return 0;
}
