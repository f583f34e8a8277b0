#define _GNU_SOURCE
#include "hands.h"
#include "die.h"
#include "landlock.h"
#include "pending_signal.h"
#include "thread.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SLOW_HANDS = 16, SLOW_FOR_ONE = 4, LOOKED_AT = 32, WAITING_BYTES = 16 << 20, STACK_BYTES = 256 * 1024 };

struct slow_hand {
    pid_t tid;
    bool busy;
    struct notice notice; /* of what it does */
    atomic_bool cancelled;
    int error; /* with which it was cancelled; 0: nobody is left to see it */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static struct slow_hand slow[SLOW_HANDS];
/* Answered, and to be freed where that may take its time: a socket of the caller's can. */
static struct waiter *ended;
static struct lanes lanes = {.busy_max = SLOW_FOR_ONE, .weight_max = WAITING_BYTES};
static _Thread_local struct slow_hand *self;
static int floor_ruleset;

static struct request *request_of(struct waiter *waiter) {
    return (struct request *)((char *)waiter - offsetof(struct request, waiter));
}

static void *run_slow(void *argument) {
    self = argument;
    thread_keeps_umask();
    if (!landlock_enter(floor_ruleset))
        die_errno("cannot restrict a worker");
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, INTERRUPT_SIGNAL);
    pthread_sigmask(SIG_UNBLOCK, &interrupt, NULL);
    pthread_mutex_lock(&lock);
    self->tid = gettid();
    for (;;) {
        struct waiter *next, *done;
        while (!(done = ended) && !(next = lanes_take(&lanes)))
            pthread_cond_wait(&arrived, &lock);
        if (done)
            ended = done->next;
        struct request *r = request_of(done ? done : next);
        self->notice = r->notice;
        self->cancelled = false;
        self->busy = true;
        pthread_mutex_unlock(&lock);
        if (done)
            request_free(r);
        else
            r->perform(r);
        pthread_mutex_lock(&lock);
        self->busy = false;
        if (!done)
            lanes_done(&lanes, self->notice.stream);
        /* What waited because this command had too many may go on. */
        pthread_cond_signal(&arrived);
    }
    return NULL;
}

bool slow_hands_start(int ruleset) {
    /* The policy's own is closed with it; a thread may come to restrict itself later than that. */
    floor_ruleset = fcntl(ruleset, F_DUPFD_CLOEXEC, 0);
    if (floor_ruleset < 0)
        return false;
    for (size_t i = 0; i < SLOW_HANDS; i++)
        if (!thread_start(run_slow, &slow[i], STACK_BYTES))
            return false;
    return true;
}

void slow_hands_take(struct request *r) {
    r->waiter.stream = r->notice.stream;
    r->waiter.weight = request_weight(r);
    pthread_mutex_lock(&lock);
    if (!lanes_put(&lanes, &r->waiter)) {
        notice_fail(&r->notice, EAGAIN);
        r->waiter.next = ended;
        ended = &r->waiter;
    }
    pthread_cond_signal(&arrived);
    pthread_mutex_unlock(&lock);
}

bool hand_cancelled(int *error) {
    if (!self || !self->cancelled)
        return false;
    *error = self->error;
    return true;
}

void interrupt_thread(pid_t tid) { syscall(SYS_tgkill, getpid(), tid, INTERRUPT_SIGNAL); }

static bool is_over(const struct notice *notice, int *error) {
    *error = 0;
    return !notice_is_live(notice) || signal_is_pending(notice, error);
}

static void cancel_running(void) {
    for (size_t i = 0; i < SLOW_HANDS; i++) {
        struct slow_hand *hand = &slow[i];
        int error;
        if (!hand->busy)
            continue;
        if (!hand->cancelled && is_over(&hand->notice, &error)) {
            hand->error = error;
            hand->cancelled = true;
        }
        /* A signal that comes just before the call does nothing: it is sent with every look until the call has ended. */
        if (hand->cancelled)
            interrupt_thread(hand->tid);
    }
}

static bool is_waited_for_no_longer(struct waiter *waiter) {
    int error;
    return !request_of(waiter)->must_run && is_over(&request_of(waiter)->notice, &error);
}

void slow_hands_tick(void) {
    pthread_mutex_lock(&lock);
    cancel_running();
    /* A few at each look: a command can have thousands of calls wait, and others want the lock. */
    struct waiter *over = lanes_sift(&lanes, LOOKED_AT, is_waited_for_no_longer);
    for (struct waiter *next; over; over = next) {
        int error;
        next = over->next;
        is_over(&request_of(over)->notice, &error);
        notice_fail(&request_of(over)->notice, error ? error : EINTR);
        over->next = ended;
        ended = over;
        pthread_cond_signal(&arrived);
    }
    pthread_mutex_unlock(&lock);
}
