#define _GNU_SOURCE
#include "closer.h"
#include "die.h"
#include "interrupt.h"
#include "thread.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STACK_BYTES = 64 * 1024 };

struct closing {
    int fd;
    struct closing *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static struct closing *first;
static pid_t tid;
static bool busy;

static void let_go(int fd) {
    struct linger linger;
    socklen_t size = sizeof linger;
    /* Its data is on its way all the same. Who sets it again meanwhile is interrupted. */
    if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &size) == 0 && linger.l_onoff && linger.l_linger > 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){0, 0}, sizeof linger);
    close(fd);
}

static void *run(void *argument) {
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, INTERRUPT_SIGNAL);
    pthread_sigmask(SIG_UNBLOCK, &interrupt, NULL);
    pthread_mutex_lock(&lock);
    tid = gettid();
    for (;;) {
        while (!first)
            pthread_cond_wait(&arrived, &lock);
        struct closing *closing = first;
        first = closing->next;
        busy = true;
        pthread_mutex_unlock(&lock);
        let_go(closing->fd);
        free(closing);
        pthread_mutex_lock(&lock);
        busy = false;
    }
    return argument;
}

bool closer_start(void) { return thread_start(run, NULL, STACK_BYTES); }

void closer_close(int fd) {
    struct stat found;
    if (fstat(fd, &found) || !S_ISSOCK(found.st_mode)) {
        close(fd);
        return;
    }
    struct closing *closing = malloc(sizeof *closing);
    if (!closing)
        die("out of memory");
    closing->fd = fd;
    pthread_mutex_lock(&lock);
    closing->next = first;
    first = closing;
    pthread_cond_signal(&arrived);
    pthread_mutex_unlock(&lock);
}

void closer_tick(void) {
    pthread_mutex_lock(&lock);
    if (busy)
        interrupt_thread(tid);
    pthread_mutex_unlock(&lock);
}
