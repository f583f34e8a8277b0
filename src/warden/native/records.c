#define _GNU_SOURCE
#include "records.h"
#include "caller.h"
#include "die.h"
#include "host_line.h"
#include <pthread.h>
#include <stdlib.h>

enum { RECORDS_MAX = 512, ARGUMENTS_SHOWN = 32, ARGUMENT_SHOWN = 256, WAIT_MS = 200, START_WAIT_MS = 20 };

struct recorded {
    uint64_t hash;
    struct msg_decided message; /* its slices point into `text` */
    char *text;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t flushed = PTHREAD_COND_INITIALIZER;
static struct recorded records[RECORDS_MAX];
static size_t count;
static bool has_start; /* Few are equal: waiting longer would only make them late. */

static uint64_t mix(uint64_t hash, const void *data, size_t size) {
    const uint8_t *at = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * 0x100000001b3;
    return hash;
}

static bool same(const struct recorded *a, const struct recorded *b) {
    const struct msg_decided *m = &a->message, *n = &b->message;
    return a->hash == b->hash && m->stream == n->stream && m->action == n->action && m->verdict == n->verdict &&
           m->reason == n->reason && m->rule == n->rule && m->path.size == n->path.size &&
           m->target.size == n->target.size && m->binary.size == n->binary.size &&
           m->arguments.raw.size == n->arguments.raw.size &&
           memcmp(a->text, b->text, m->path.size + m->target.size + m->binary.size + m->arguments.raw.size) == 0;
}

/* The arguments as an encoded list, cut where they are long: this is for people. */
static struct list shorten(struct buffer *b, char *const *argv) {
    struct list list = {0};
    size_t at = b->size;
    for (; argv && argv[list.count] && list.count < ARGUMENTS_SHOWN; list.count++) {
        size_t size = strnlen(argv[list.count], ARGUMENT_SHOWN);
        buffer_bytes(b, (struct slice){(const uint8_t *)argv[list.count], size});
    }
    list.raw.size = b->size - at;
    return list;
}

static void compose(struct recorded *r, const struct decision *d) {
    char binary[PATH_MAX];
    caller_binary(d->notice, binary);
    struct buffer text = {0};
    buffer_append(&text, d->path, strlen(d->path));
    buffer_append(&text, d->target, strlen(d->target));
    buffer_append(&text, binary, strlen(binary));
    struct list arguments = shorten(&text, d->argv);
    const uint8_t *at = text.data;
    *r = (struct recorded){
        .message = {.stream = d->notice->stream,
                    .pid = (uint32_t)(d->pid ? d->pid : caller_process(d->notice)),
                    .domain = d->domain,
                    .action = d->action,
                    .verdict = d->verdict,
                    .reason = d->reason,
                    .rule = d->rule,
                    .count = 1,
                    .microseconds = d->microseconds},
        .text = (char *)text.data,
    };
    r->message.path = (struct slice){at, strlen(d->path)};
    r->message.target = (struct slice){at + r->message.path.size, strlen(d->target)};
    r->message.binary = (struct slice){r->message.target.data + r->message.target.size, strlen(binary)};
    arguments.raw.data = r->message.binary.data + r->message.binary.size;
    r->message.arguments = arguments;
    r->hash = mix(0xcbf29ce484222325 ^ d->rule ^ (uint64_t)d->action << 32, text.data, text.size);
}

/* False: there is no room, and it was not to wait for any. */
static bool add(const struct decision *d, bool wait) {
    struct recorded fresh;
    compose(&fresh, d);
    pthread_mutex_lock(&lock);
    for (;;) {
        for (size_t i = 0; i < count; i++)
            if (same(&records[i], &fresh)) {
                records[i].message.count++;
                pthread_mutex_unlock(&lock);
                free(fresh.text);
                return true;
            }
        if (count < RECORDS_MAX)
            break;
        if (!wait) {
            pthread_mutex_unlock(&lock);
            free(fresh.text);
            return false;
        }
        /* Nothing is dropped: who asks for so much waits until it was written down. */
        host_line_send(0, NULL);
        pthread_cond_wait(&flushed, &lock);
    }
    records[count++] = fresh;
    has_start |= d->action == ACTION_START;
    /* Allows wait for more of their kind; see records_wait_ms. */
    bool urgent = d->verdict == VERDICT_DENY || count > RECORDS_MAX / 2;
    pthread_mutex_unlock(&lock);
    if (urgent)
        host_line_send(0, NULL);
    return true;
}

void record_decision(const struct decision *d) { add(d, true); }

bool record_now(const struct decision *d) { return add(d, false); }

int records_wait_ms(void) {
    pthread_mutex_lock(&lock);
    int wait = count == 0 ? -1 : has_start ? START_WAIT_MS : WAIT_MS;
    pthread_mutex_unlock(&lock);
    return wait;
}

void records_flush(void (*send)(uint8_t type, struct slice payload)) {
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < count; i++) {
        struct buffer b = {0};
        encode_decided(&b, &records[i].message);
        send(FRAME_DECIDED, (struct slice){b.data, b.size});
        buffer_free(&b);
        free(records[i].text);
    }
    count = 0;
    has_start = false;
    pthread_cond_broadcast(&flushed);
    pthread_mutex_unlock(&lock);
}
