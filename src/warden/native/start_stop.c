#define _GNU_SOURCE
#include "hashing.h"
#include "host_line.h"
#include "start_judge.h"
#include "start_verify.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* Threads of the sandbox that are in execve at the same time; more are refused. */
enum { PENDING_MAX = 4096 };

void (*start_on_mismatch)(const struct approval *approval, const char *found);

/* Of each process at most one thread is traced. To seize a second would wait for the first one's execve, which waits for
 * its other threads to be buried, which is for us to do. So the others wait their turn; most die of the first. */
static struct approval *traced, *waiting;
static size_t pending_count;

static void put(struct approval **list, struct approval *a) {
    a->next = *list;
    *list = a;
    pending_count++;
}

/* By the process, or the thread that made the call. */
static struct approval *take(struct approval **list, pid_t pid) {
    for (; *list; list = &(*list)->next)
        if ((*list)->process == pid || (*list)->notice.tid == pid) {
            struct approval *found = *list;
            *list = found->next;
            pending_count--;
            return found;
        }
    return NULL;
}

static bool is_traced(pid_t process) {
    for (const struct approval *a = traced; a; a = a->next)
        if (a->process == process)
            return true;
    return false;
}

void start_approve(struct approval *a) {
    struct notice notice = a->notice;
    pid_t tid = notice.tid;
    long options = PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (pending_count < PENDING_MAX && is_traced(a->process)) {
        put(&waiting, a);
        return;
    }
    int error = pending_count >= PENDING_MAX ? EAGAIN : !notice_is_live(&notice) ? ESRCH : 0;
    if (!error && ptrace(PTRACE_SEIZE, tid, NULL, (void *)options))
        error = EACCES;
    if (error) {
        notice_fail(&notice, error);
        free(a);
        return;
    }
    /* Before the answer: a start that fails ends in the interruption, and nothing stays traced. */
    bool interrupted = ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0;
    if (!interrupted || !notice_is_live(&notice)) {
        /* The number may be another thread's by now: its stop finds no approval, and lets it go. */
        notice_fail(&notice, EACCES);
        free(a);
        return;
    }
    put(&traced, a);
    notice_continue(&notice);
}

/* A process whose thread was traced can have its next. */
static void finish(struct approval *a) {
    if (!a)
        return;
    pid_t process = a->process;
    free(a);
    for (struct approval *next; !is_traced(process) && (next = take(&waiting, process));)
        start_approve(next);
}

static bool is_stopped(pid_t pid) {
    unsigned long message;
    return ptrace(PTRACE_GETEVENTMSG, pid, NULL, &message) == 0;
}

static void tell(pid_t pid, const struct approval *a) {
    char path[64], found[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    ssize_t size = readlink(path, found, sizeof found - 1);
    found[size < 0 ? 0 : size] = 0;
    if (start_on_mismatch)
        start_on_mismatch(a, found);
}

/* The stop ends: with the new program's first instruction, or with its death. */
static void let_go(pid_t pid, struct approval *a, bool approved) {
    if (!approved) {
        /* What was killed in the meantime shows nothing, and is no other program for that. */
        if (a && is_stopped(pid))
            tell(pid, a);
        kill(pid, SIGKILL);
    }
    ptrace(PTRACE_DETACH, pid, NULL, NULL);
    finish(a);
}

/* ---- the content, which another thread reads while the process stays where it is ---- */

static bool is_wanted(const struct hash_job *job) { return !job->given_up; }

static int open_program(pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static bool begin_hash(pid_t pid, struct approval *a) {
    struct hash_job *job = calloc(1, sizeof *job);
    int file = job ? open_program(pid) : -1;
    if (file < 0) {
        free(job);
        return false;
    }
    job->waiter.stream = a->notice.stream;
    job->waiter.weight = sizeof *job;
    job->file = file;
    job->is_wanted = is_wanted;
    job->done = host_line_hashed;
    job->of = a;
    if (!hashing_take(job)) {
        close(file);
        free(job);
        return false;
    }
    a->job = job;
    put(&traced, a);
    return true;
}

/* Whoever is killed meanwhile is waited for no longer. */
static void forget_hash(struct approval *a) {
    if (!a || !a->job)
        return;
    a->job->of = NULL;
    a->job->given_up = true;
    a->job = NULL;
}

void start_hashed(struct hash_job *job) {
    struct approval *a = job->of;
    if (a) {
        pid_t pid = a->process;
        take(&traced, pid);
        a->job = NULL;
        let_go(pid, a, job->known && memcmp(job->digest, a->sha256, sizeof job->digest) == 0);
    }
    close(job->file);
    free(job);
}

static void verify(pid_t pid) {
    /* The new program has the process's number, whichever of its threads made the call. */
    unsigned long tid = 0;
    struct approval *a = take(&traced, pid);
    bool known = ptrace(PTRACE_GETEVENTMSG, pid, NULL, &tid) == 0 && a && (pid_t)tid == a->notice.tid;
    bool approved = known && start_is_approved(pid, a);
    if (!approved || !a->check_hash || !begin_hash(pid, a))
        let_go(pid, a, approved && !a->check_hash);
}

bool start_stopped(pid_t pid, int status) {
    if (!WIFSTOPPED(status)) {
        struct approval *a = take(&traced, pid);
        forget_hash(a);
        finish(a);
        return false;
    }
    int event = status >> 16;
    if (event == PTRACE_EVENT_EXEC) {
        verify(pid);
        return true;
    }
    /* On its way back to the old program: the start failed, and is tried again by itself where it was interrupted. A
     * stop of job control stays one without us; a signal that was about to arrive still does. */
    long number = event ? 0 : WSTOPSIG(status);
    ptrace(PTRACE_DETACH, pid, NULL, (void *)number);
    finish(take(&traced, pid));
    return true;
}
