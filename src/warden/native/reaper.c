#define _GNU_SOURCE
#include "reaper.h"
#include "command.h"
#include "die.h"
#include "processes.h"
#include "start_judge.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    /* Processes that fork and exit all the time can outrun a look; after so many, everything is stopped for one. */
    ROUNDS_BEFORE_FREEZE = 20,
    ROUND_MS = 1,
    SLOW_ROUND_MS = 20,
};

static struct watch signals;
static unsigned rounds; /* 0: nothing to look for */

static bool is_shepherd(pid_t pid) {
    for (struct command *c = command_first(); c; c = c->next)
        if (c->shepherd == pid)
            return true;
    return false;
}

static void reap(void) {
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
        if (pid <= 0)
            return;
        /* A process that is being verified stops; everything else that is heard of here has ended. */
        if (!start_stopped(pid, status) && !WIFSTOPPED(status))
            commands_reaped(pid, status);
    }
}

static void on_signal(struct watch *watch, uint32_t events) {
    (void)events;
    struct signalfd_siginfo info;
    (void)!read(watch->fd, &info, sizeof info);
    reap();
}

void reaper_init(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGPIPE, SIG_IGN);
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    int fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        die_errno("cannot watch for signals");
    watch_open(&signals, fd, EPOLLIN, on_signal, NULL);
}

void reaper_sweep(void) {
    if (rounds == 0)
        rounds = 1;
}

enum herding { HERDED, STRAY, UNKNOWN };

/* Whether the process descends from a living shepherd. */
static enum herding herding_of(const struct processes *all, const struct process *p) {
    for (size_t depth = 0; p && depth <= all->count; depth++) {
        /* Parent 0 is outside: somebody's `docker exec`, which is not the sandbox's to end. */
        if (p->parent == 0 || is_shepherd(p->pid))
            return HERDED;
        if (p->parent == 1)
            return STRAY;
        p = processes_find(all, p->parent);
    }
    /* An ancestor went while we looked: the next round tells. */
    return UNKNOWN;
}

/* Returns how many processes make another round necessary. */
static size_t kill_strays(const struct processes *all) {
    size_t left = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct process *p = &all->list[i];
        enum herding herding = p->pid == 1 ? HERDED : herding_of(all, p);
        if (herding == STRAY)
            kill(p->pid, SIGKILL);
        if (herding != HERDED)
            left++;
    }
    return left;
}

int reaper_run(void) {
    if (rounds == 0)
        return -1;
    bool freeze = rounds > ROUNDS_BEFORE_FREEZE;
    /* No fork completes in a process that has a signal pending: what is seen now is everything. */
    if (freeze)
        kill(-1, SIGSTOP);
    long newest = processes_newest();
    struct processes all = processes_look();
    size_t left = kill_strays(&all);
    /* What forks and ends at once is never in a look; but its pids are counted. */
    left += newest == 0 ? !freeze : newest != processes_newest();
    if (freeze)
        kill(-1, SIGCONT);
    processes_free(&all);
    reap();
    if (left == 0) {
        rounds = 0;
        commands_swept();
        return -1;
    }
    rounds++;
    return freeze ? SLOW_ROUND_MS : ROUND_MS;
}
