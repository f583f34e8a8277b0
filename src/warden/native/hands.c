#define _GNU_SOURCE
#include "hands.h"
#include "die.h"
#include "interrupt.h"
#include "landlock.h"
#include "pending_signal.h"
#include "thread.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What one waits for another may be about to bring, so there are many; each is made when the last one has work. Files of the kernel
 * and sockets have workers of their own: whoever waits at a FIFO keeps nobody else from those. */
enum { FIFO_HANDS = 192, KERNEL_HANDS = 8, SOCKET_HANDS = 32, HANDS = FIFO_HANDS + KERNEL_HANDS + SOCKET_HANDS };
enum { FIFOS_FOR_ONE = 48, KERNEL_FOR_ONE = 2, SOCKETS_FOR_ONE = 8 };
enum { LOOKED_AT = 32, WAITING_BYTES = 16 << 20, STACK_BYTES = 256 * 1024 };

struct line {
    struct lanes lanes;
    pthread_cond_t arrived;
    struct slow_hand *hands; /* of which there may be so many, are, and have no work */
    unsigned max, count, idle;
};

struct slow_hand {
    struct line *line;
    bool restricted;
    pid_t tid;
    bool busy;
    struct notice notice; /* of what it does */
    atomic_bool cancelled;
    int error; /* with which it was cancelled; 0: nobody is left to see it */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slow_hand slow[HANDS];
/* Answered, and to be freed where that may take its time: a socket of the caller's can. */
static struct waiter *ended;
static struct line fifos = {{.busy_max = FIFOS_FOR_ONE, .weight_max = WAITING_BYTES},
                            PTHREAD_COND_INITIALIZER,
                            .hands = slow,
                            .max = FIFO_HANDS};
static struct line kernel_files = {{.busy_max = KERNEL_FOR_ONE, .weight_max = WAITING_BYTES},
                                   PTHREAD_COND_INITIALIZER,
                                   .hands = slow + FIFO_HANDS,
                                   .max = KERNEL_HANDS};
static struct line sockets = {{.busy_max = SOCKETS_FOR_ONE, .weight_max = WAITING_BYTES},
                              PTHREAD_COND_INITIALIZER,
                              .hands = slow + FIFO_HANDS + KERNEL_HANDS,
                              .max = SOCKET_HANDS};
static _Thread_local struct slow_hand *self;
static int floor_ruleset;

static struct request *request_of(struct waiter *waiter) {
    return (struct request *)((char *)waiter - offsetof(struct request, waiter));
}

static void *run_slow(void *argument);

static bool add_hand(struct line *line) {
    struct slow_hand *hand = &line->hands[line->count];
    hand->line = line;
    /* Made by another, it is in the same domain. */
    hand->restricted = self;
    if (!thread_start(run_slow, hand, STACK_BYTES))
        return false;
    line->count++;
    line->idle++;
    return true;
}

static void *run_slow(void *argument) {
    self = argument;
    struct line *line = self->line;
    thread_keeps_umask();
    if (!self->restricted && !landlock_enter(floor_ruleset))
        die_errno("cannot restrict a worker");
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, INTERRUPT_SIGNAL);
    pthread_sigmask(SIG_UNBLOCK, &interrupt, NULL);
    pthread_mutex_lock(&lock);
    self->tid = gettid();
    for (;;) {
        struct waiter *next, *done;
        while (!(done = ended) && !(next = lanes_take(&line->lanes)))
            pthread_cond_wait(&line->arrived, &lock);
        line->idle--;
        /* Without one more those that are there have to do. */
        if (line->idle == 0 && line->count < line->max)
            add_hand(line);
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
        line->idle++;
        if (!done)
            lanes_done(&line->lanes, self->notice.stream);
        /* What waited because this command had too many may go on. */
        pthread_cond_signal(&line->arrived);
    }
    return NULL;
}

bool slow_hands_start(int ruleset) {
    /* The policy's own is closed with it; a thread may come to restrict itself later than that. */
    floor_ruleset = fcntl(ruleset, F_DUPFD_CLOEXEC, 0);
    if (floor_ruleset < 0)
        return false;
    pthread_mutex_lock(&lock);
    bool made = add_hand(&fifos) && add_hand(&kernel_files) && add_hand(&sockets);
    pthread_mutex_unlock(&lock);
    return made;
}

void slow_hands_take(struct request *r) {
    r->waiter.stream = r->notice.stream;
    r->waiter.weight = request_weight(r);
    struct line *line = r->of_socket ? &sockets : !r->must_run && r->place.kernel ? &kernel_files : &fifos;
    pthread_mutex_lock(&lock);
    if (!lanes_put(&line->lanes, &r->waiter)) {
        notice_fail(&r->notice, EAGAIN);
        r->waiter.next = ended;
        ended = &r->waiter;
    }
    pthread_cond_signal(&line->arrived);
    pthread_mutex_unlock(&lock);
}

bool hand_cancelled(int *error) {
    if (!self || !self->cancelled)
        return false;
    *error = self->error;
    return true;
}

static bool is_over(const struct notice *notice, int *error) {
    *error = 0;
    return !notice_is_live(notice) || signal_is_pending(notice, error);
}

static void cancel_running(void) {
    for (size_t i = 0; i < HANDS; i++) {
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

static void sift(struct line *line) {
    /* A few at each look: a command can have thousands of calls wait, and others want the lock. */
    struct waiter *over = lanes_sift(&line->lanes, LOOKED_AT, is_waited_for_no_longer);
    for (struct waiter *next; over; over = next) {
        int error;
        next = over->next;
        is_over(&request_of(over)->notice, &error);
        notice_fail(&request_of(over)->notice, error ? error : EINTR);
        over->next = ended;
        ended = over;
        pthread_cond_signal(&line->arrived);
    }
}

void slow_hands_tick(void) {
    pthread_mutex_lock(&lock);
    cancel_running();
    sift(&fifos);
    sift(&kernel_files);
    sift(&sockets);
    pthread_mutex_unlock(&lock);
}
