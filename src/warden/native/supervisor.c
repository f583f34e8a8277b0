#define _GNU_SOURCE
#include "supervisor.h"
#include "interrupt.h"
#include "calls.h"
#include "die.h"
#include "closer.h"
#include "hands.h"
#include "loop.h"
#include "questions.h"
#include "spawner.h"
#include "thread.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

enum { STACK_BYTES = 512 * 1024, LOOK_MS = 100, TICK_MS = 10 };

struct answer {
    uint32_t question;
    enum { ALLOWED, DENIED, HELD, HASHED } kind;
    int content;
    int error; /* of a connection */
    uint32_t timeout_ms;
    struct hash_job *job;
    struct answer *next;
};

_Thread_local struct supervisor *supervisor_here;
static struct supervisor supervisors[SUPERVISORS_MAX];
static unsigned supervisor_count, next_supervisor;
static atomic_uint listener_total;
static pthread_mutex_t ticker_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ticker_wanted = PTHREAD_COND_INITIALIZER;

unsigned supervisor_traps(const struct tables *tables) {
    unsigned traps = tables->flags & POLICY_FLAG_DECIDE_PROGRAMS ? TRAP_STARTS : 0;
    if (tables->mode == MODE_TRAPPED)
        traps |= TRAP_OPENS | TRAP_CHANGES | TRAP_STARTS;
    if (tables->mode == MODE_EMULATED)
        traps |= TRAP_OPENS | TRAP_CHANGES | TRAP_METADATA | TRAP_SOCKETS | TRAP_STARTS;
    if (tables->flags & POLICY_FLAG_DECIDE_NETWORK)
        traps |= TRAP_CONNECTIONS;
    return traps;
}

static void wake(struct supervisor *s) {
    uint64_t one = 1;
    s->mail = true;
    if (write(s->wake, &one, sizeof one) < 0)
        return; /* It is awake. */
    /* One that just began to wait is found by the ticker. */
    if (s->receiving)
        interrupt_thread(s->tid);
}

static void *grow(void *array, size_t count, size_t size) {
    array = realloc(array, (count + 1) * size);
    if (!array)
        die("out of memory");
    return array;
}

void supervisors_take(struct supervised command) {
    struct supervisor *s = &supervisors[next_supervisor++ % supervisor_count];
    ioctl(command.listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
    pthread_mutex_lock(&s->lock);
    s->arrivals = grow(s->arrivals, s->arrival_count, sizeof *s->arrivals);
    s->arrivals[s->arrival_count++] = command;
    pthread_mutex_unlock(&s->lock);
    wake(s);
    pthread_mutex_lock(&ticker_lock);
    listener_total++;
    pthread_cond_signal(&ticker_wanted);
    pthread_mutex_unlock(&ticker_lock);
}

static void tell(struct answer answer) {
    unsigned index = question_supervisor(answer.question);
    struct answer *a = malloc(sizeof *a);
    if (!a || index >= supervisor_count)
        die(a ? "the host answered a question of nobody" : "out of memory");
    struct supervisor *s = &supervisors[index];
    *a = answer;
    pthread_mutex_lock(&s->lock);
    a->next = s->answers;
    s->answers = a;
    pthread_mutex_unlock(&s->lock);
    wake(s);
}

void supervisors_answer(uint32_t question, bool allowed, int content) {
    tell((struct answer){.question = question, .kind = allowed ? ALLOWED : DENIED, .content = content});
}

void supervisors_settle(uint32_t question, int error) {
    tell((struct answer){.question = question, .kind = error ? DENIED : ALLOWED, .content = -1, .error = error});
}

void supervisors_hold(uint32_t question, uint32_t timeout_ms) {
    tell((struct answer){.question = question, .kind = HELD, .content = -1, .timeout_ms = timeout_ms});
}

void supervisor_hashed(struct supervisor *s, struct hash_job *job) {
    tell((struct answer){.question = supervisor_number(s), .kind = HASHED, .content = -1, .job = job});
}

/* ---- in the supervisor's thread ---- */

static void take_answers(struct supervisor *s, struct answer *list) {
    struct answer *next;
    for (struct answer *a = list; a; a = next) {
        next = a->next;
        struct request *r = a->kind == HASHED ? NULL : question_find(s, a->question);
        if (a->kind == HASHED) {
            request_hashed(a->job);
        } else if (r && a->kind == HELD) {
            r->deadline_ms = now_ms() + a->timeout_ms;
        } else if (r) {
            supervisor_forget(s, r);
            r->refusal = a->error;
            request_answered(r, a->kind == ALLOWED, a->content);
        } else if (a->content >= 0) {
            close(a->content);
        }
        free(a);
    }
}

/* In the order in which they came. */
static struct answer *reverse(struct answer *list) {
    struct answer *turned = NULL;
    while (list) {
        struct answer *next = list->next;
        list->next = turned;
        turned = list;
        list = next;
    }
    return turned;
}

static void take_mail(struct supervisor *s) {
    uint64_t rings;
    (void)!read(s->wake, &rings, sizeof rings);
    s->mail = false;
    pthread_mutex_lock(&s->lock);
    struct answer *answers = s->answers;
    s->answers = NULL;
    for (size_t i = 0; i < s->arrival_count; i++) {
        s->listeners = grow(s->listeners, s->listener_count, sizeof *s->listeners);
        s->polled = grow(s->polled, s->listener_count + 1, sizeof *s->polled);
        s->listeners[s->listener_count++] = s->arrivals[i];
        s->polled[s->listener_count] = (struct pollfd){s->arrivals[i].listener, POLLIN, 0};
    }
    s->arrival_count = 0;
    pthread_mutex_unlock(&s->lock);
    take_answers(s, reverse(answers));
}

static void drop_listener(struct supervisor *s, size_t i) {
    close(s->listeners[i].listener);
    tables_release(s->listeners[i].tables);
    s->listener_count--;
    s->listeners[i] = s->listeners[s->listener_count];
    s->polled[i + 1] = s->polled[s->listener_count + 1];
    listener_total--;
}

static void handle(struct supervisor *s, const struct supervised *command, const struct seccomp_notif *n) {
    struct notice notice = {
        .listener = command->listener,
        .id = n->id,
        .tid = (pid_t)n->pid,
        .number = n->data.nr,
        .stream = command->stream,
        .ours = command->ours,
        .tables = command->tables,
    };
    for (int i = 0; i < 6; i++)
        notice.arguments[i] = n->data.args[i];
    const struct call *call = call_find(notice.number);
    if (!call)
        notice_fail(&notice, ENOSYS);
    else
        call->handle(request_new(s, &notice));
}

/* A caller that dies between poll and here leaves nothing to receive, and the call waits for the next one, whatever the
 * descriptor says about blocking. The ticker sees that, and interrupts it. False: there was nothing. */
static bool receive(struct supervisor *s, const struct supervised *command) {
    static _Thread_local unsigned long turn;
    struct seccomp_notif n = {0};
    if (++turn == 0)
        turn = 1;
    s->receiving = turn;
    int result = ioctl(command->listener, SECCOMP_IOCTL_NOTIF_RECV, &n);
    s->receiving = 0;
    if (result == 0)
        handle(s, command, &n);
    return result == 0;
}

/* Who called once soon calls again. Alone, its calls are waited for without a look at all else first, until none came for
 * so long that the ticker interrupts. */
static void receive_all(struct supervisor *s, size_t i) {
    bool alone;
    do
        alone = receive(s, &s->listeners[i]) && s->listener_count == 1 && s->question_count == 0 && !s->mail;
    while (alone);
}

static void *supervise(void *argument) {
    struct supervisor *s = argument;
    supervisor_here = s;
    thread_keeps_umask();
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, INTERRUPT_SIGNAL);
    pthread_sigmask(SIG_UNBLOCK, &interrupt, NULL);
    s->polled = grow(NULL, 0, sizeof *s->polled);
    s->polled[0] = (struct pollfd){s->wake, POLLIN, 0};
    s->tid = gettid();
    uint64_t looked = 0;
    int timeout = -1;
    for (;;) {
        int ready = poll(s->polled, s->listener_count + 1, s->question_count ? LOOK_MS : timeout);
        if (ready > 0) {
            for (size_t i = s->listener_count; i-- > 0;) {
                short events = s->polled[i + 1].revents;
                if (events & POLLIN)
                    receive_all(s, i);
                else if (events & (POLLHUP | POLLERR | POLLNVAL))
                    drop_listener(s, i);
            }
            if (s->polled[0].revents)
                take_mail(s);
        }
        if (s->question_count && now_ms() - looked >= LOOK_MS / 2) {
            looked = now_ms();
            questions_look(s);
        }
    }
    return NULL;
}

static void *tick(void *argument) {
    unsigned long seen[SUPERVISORS_MAX] = {0};
    for (;;) {
        pthread_mutex_lock(&ticker_lock);
        while (listener_total == 0)
            pthread_cond_wait(&ticker_wanted, &ticker_lock);
        pthread_mutex_unlock(&ticker_lock);
        struct timespec pause = {0, TICK_MS * 1000000L};
        nanosleep(&pause, NULL);
        for (unsigned i = 0; i < supervisor_count; i++) {
            unsigned long turn = supervisors[i].receiving;
            if (turn && turn == seen[i])
                interrupt_thread(supervisors[i].tid);
            seen[i] = turn;
        }
        slow_hands_tick();
        closer_tick();
    }
    return argument;
}

static void on_interrupt(int number) { (void)number; }

bool supervisors_run(void) { return supervisor_count > 0; }

static bool make_threads(const struct tables *tables) {
    if (!closer_start() || !slow_hands_start(tables->ruleset))
        return false;
    int processors = get_nprocs();
    unsigned count = processors < 1 ? 1 : processors > SUPERVISORS_MAX ? SUPERVISORS_MAX : (unsigned)processors;
    for (unsigned i = 0; i < count; i++) {
        struct supervisor *s = &supervisors[i];
        s->index = i;
        pthread_mutex_init(&s->lock, NULL);
        s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (s->wake < 0 || !thread_start(supervise, s, STACK_BYTES))
            return false;
    }
    supervisor_count = count;
    return true;
}

bool supervisors_start(const struct tables *tables) {
    /* Without SA_RESTART: it is there to end calls. */
    struct sigaction interrupt = {.sa_handler = on_interrupt};
    sigaction(INTERRUPT_SIGNAL, &interrupt, NULL);
    return spawner_start(tables, make_threads) && thread_start(tick, NULL, STACK_BYTES);
}
