#define _GNU_SOURCE
#include "host_line.h"
#include "die.h"
#include "link.h"
#include "loop.h"
#include "records.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { WAITING_BYTES_MAX = 4 * 1024 * 1024 };

/* One of the two. */
struct waiting_start {
    struct approval *approval;
    struct hash_job *hashed;
    struct waiting_start *next;
};

struct errand {
    void (*run)(void *);
    void *argument;
    struct errand *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t taken = PTHREAD_COND_INITIALIZER;
static struct buffer waiting; /* frames: type, size, payload */
static bool flush_wanted;     /* of what lies there, or of the records */
static struct waiting_start *starts, **last_start = &starts;
static struct errand *errands, **last_errand = &errands;
static struct watch bell;

static void ring(void) {
    uint64_t one = 1;
    if (write(bell.fd, &one, sizeof one) < 0)
        return; /* It rings already. */
}

void host_line_send(uint8_t type, struct buffer *payload) {
    pthread_mutex_lock(&lock);
    if (payload) {
        while (waiting.size > WAITING_BYTES_MAX)
            pthread_cond_wait(&taken, &lock);
        buffer_u8(&waiting, type);
        buffer_bytes(&waiting, (struct slice){payload->data, payload->size});
    }
    flush_wanted = true;
    pthread_mutex_unlock(&lock);
    if (payload)
        buffer_free(payload);
    ring();
}

static void put(struct waiting_start waiting_start) {
    struct waiting_start *start = malloc(sizeof *start);
    if (!start)
        die("out of memory");
    *start = waiting_start;
    pthread_mutex_lock(&lock);
    *last_start = start;
    last_start = &start->next;
    pthread_mutex_unlock(&lock);
    ring();
}

void host_line_approve(struct approval *approval) { put((struct waiting_start){.approval = approval}); }

void host_line_hashed(struct hash_job *job) { put((struct waiting_start){.hashed = job}); }

void host_line_run(void (*run)(void *), void *argument) {
    struct errand *errand = malloc(sizeof *errand);
    if (!errand)
        die("out of memory");
    *errand = (struct errand){run, argument, NULL};
    pthread_mutex_lock(&lock);
    *last_errand = errand;
    last_errand = &errand->next;
    pthread_mutex_unlock(&lock);
    ring();
}

static void run_errands(void) {
    pthread_mutex_lock(&lock);
    struct errand *list = errands;
    errands = NULL;
    last_errand = &errands;
    pthread_mutex_unlock(&lock);
    while (list) {
        struct errand *next = list->next;
        list->run(list->argument);
        free(list);
        list = next;
    }
}

static void send_frame(uint8_t type, struct slice payload) { link_send(type, 0, 0, payload); }

static void take_starts(void) {
    pthread_mutex_lock(&lock);
    struct waiting_start *list = starts;
    starts = NULL;
    last_start = &starts;
    pthread_mutex_unlock(&lock);
    while (list) {
        struct waiting_start *next = list->next;
        if (list->hashed)
            start_hashed(list->hashed);
        else
            start_approve(list->approval);
        free(list);
        list = next;
    }
}

void host_line_tell(void) {
    records_flush(send_frame);
    pthread_mutex_lock(&lock);
    struct buffer frames = waiting;
    waiting = (struct buffer){0};
    pthread_cond_broadcast(&taken);
    pthread_mutex_unlock(&lock);
    struct cursor c = {frames.data, frames.size};
    uint8_t type;
    struct slice payload;
    while (cursor_u8(&c, &type) && cursor_bytes(&c, &payload))
        send_frame(type, payload);
    buffer_free(&frames);
}

void host_line_flush(bool at_once) {
    take_starts();
    run_errands();
    if (at_once || link_has_room())
        host_line_tell();
}

/* The host is told what asks for it. A start that goes on does not: its record waits for others of its kind, as each one
 * would wake the host. */
static void on_bell(struct watch *watch, uint32_t events) {
    (void)watch;
    (void)events;
    take_starts();
    run_errands();
    pthread_mutex_lock(&lock);
    bool wanted = flush_wanted;
    flush_wanted = false;
    pthread_mutex_unlock(&lock);
    if (wanted)
        host_line_flush(false);
}

/* The process is dead, and never ran an instruction of what it was not to be. */
static void record_mismatch(const struct approval *approval, const char *found) {
    struct decision decision = {
        .notice = &approval->notice,
        .domain = DOMAIN_PROCESS,
        .action = ACTION_START,
        .verdict = VERDICT_DENY,
        .reason = REASON_CHANGED,
        .path = found,
        .target = "",
    };
    /* Nobody else makes room. */
    while (!record_now(&decision))
        records_flush(send_frame);
}

void host_line_init(void) {
    start_on_mismatch = record_mismatch;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        die_errno("cannot create an eventfd");
    /* Each ring is an event of its own: it need not be read. */
    watch_open(&bell, fd, EPOLLIN | EPOLLET, on_bell, NULL);
}
