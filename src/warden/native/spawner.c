#define _GNU_SOURCE
#include "spawner.h"
#include "landlock.h"
#include "thread.h"
#include <errno.h>
#include <pthread.h>

/* Commands begin on a copy of this stack: file operations want some room. */
enum { STACK_BYTES = 2 * 1024 * 1024 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static enum { ABSENT, STARTS, FAILED, IDLE, ASKED, ANSWERED } state;
static struct {
    const struct tables *tables;
    bool (*make_threads)(const struct tables *);
    const struct task *task;
    int *report_fd;
    pid_t pid;
    int error;
} job;

static void *spawn(void *argument) {
    bool made = landlock_enter(job.tables->thread_ruleset) && job.make_threads(job.tables);
    job.error = errno;
    pthread_mutex_lock(&lock);
    state = made ? IDLE : FAILED;
    pthread_cond_broadcast(&changed);
    while (made) {
        while (state != ASKED)
            pthread_cond_wait(&changed, &lock);
        job.pid = shepherd_start(job.task, job.report_fd);
        job.error = errno;
        state = ANSWERED;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    return argument;
}

bool spawner_start(const struct tables *tables, bool (*make_threads)(const struct tables *)) {
    job.tables = tables;
    job.make_threads = make_threads;
    state = STARTS;
    if (!thread_start(spawn, NULL, STACK_BYTES)) {
        state = ABSENT;
        return false;
    }
    pthread_mutex_lock(&lock);
    while (state == STARTS)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    errno = job.error;
    return state == IDLE;
}

pid_t spawner_fork(const struct task *task, int *report_fd) {
    if (state == ABSENT)
        return shepherd_start(task, report_fd);
    pthread_mutex_lock(&lock);
    job.task = task;
    job.report_fd = report_fd;
    state = ASKED;
    pthread_cond_broadcast(&changed);
    while (state != ANSWERED)
        pthread_cond_wait(&changed, &lock);
    state = IDLE;
    pthread_mutex_unlock(&lock);
    errno = job.error;
    return job.pid;
}
