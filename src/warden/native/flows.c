#define _GNU_SOURCE
#include "flows.h"
#include "closer.h"
#include "die.h"
#include "host_line.h"
#include "relay.h"
#include "supervisor.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUCKETS = 1024, FLOWS_MAX = MAX_STREAMS, EARLY_MAX = 2 * INITIAL_CREDIT_BYTES };

struct flow {
    uint32_t stream, question;
    bool waits;
    bool hashed;          /* its message is whole */
    bool told;            /* the host knows of it */
    bool released;        /* the program's call was told to go on */
    bool accepted, broken; /* by the host */
    bool sent_off;
    int socket; /* the program's, while it is on its way */
    struct flow_trap trap;
    struct buffer message; /* for the host; without a hash yet */
    struct buffer early; /* frames of the host that came before there was a connection to relay */
    size_t early_data;   /* where the size of its last frame is, if that is data; 0: it is not */
    struct flow *next;
};

static struct flow *flows[BUCKETS];
static atomic_uint flow_count;
static _Atomic(uint32_t) last_number;

static struct flow **bucket_of(uint32_t stream) { return &flows[stream / 2 % BUCKETS]; }

static struct flow *find(uint32_t stream) {
    struct flow *f = *bucket_of(stream);
    while (f && f->stream != stream)
        f = f->next;
    return f;
}

static void forget(struct flow *f) {
    struct flow **at = bucket_of(f->stream);
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    flow_count--;
    if (f->socket >= 0)
        closer_close(f->socket);
    buffer_free(&f->early);
    buffer_free(&f->message);
    free(f);
}

bool flows_are_many(void) { return flow_count + relays_out() >= FLOWS_MAX; }

/* Two billion flows later numbers begin again: those of before are gone. */
uint32_t flow_number(void) {
    uint32_t number;
    do
        number = last_number += 2;
    while (number == 0);
    return number;
}

/* ---- what the host says ---- */

static void release(struct flow *f) {
    if (!f->released)
        supervisors_settle(f->question, 0);
    f->released = true;
}

static void relay_from_now(struct flow *f, int near) {
    uint32_t stream = f->stream;
    struct buffer early = f->early;
    f->early = (struct buffer){0};
    forget(f);
    relay_open(stream, near);
    struct cursor c = {early.data, early.size};
    uint8_t type, channel;
    struct slice payload;
    while (cursor_u8(&c, &type) && cursor_u8(&c, &channel) && cursor_bytes(&c, &payload) && relay_has(stream)) {
        struct frame frame = {type, channel, stream, payload};
        if (!relay_take(&frame))
            die("the host sent a malformed frame to a connection");
    }
    buffer_free(&early);
}

static void meet(struct flow *f) {
    int near = flow_socket_meet(f->socket, &f->trap);
    if (near >= 0) {
        relay_from_now(f, near);
        return;
    }
    relay_refuse(f->stream, ETIMEDOUT);
    forget(f);
}

static void drop(struct flow *f) {
    flow_socket_drop(f->socket, &f->trap);
    link_send(FRAME_GONE, 0, f->stream, (struct slice){0});
    forget(f);
}

static void on_accept(struct flow *f) {
    if (f->accepted || f->broken)
        die("the host accepted a connection twice");
    f->accepted = true;
    if (f->sent_off)
        meet(f);
    else
        release(f);
}

/* The rest is told by the request, which ends; or it is on its way, and comes to its end there. */
static void on_refuse(struct flow *f, int error) {
    f->broken = true;
    if (f->sent_off) {
        drop(f);
        return;
    }
    if (!f->released)
        supervisors_settle(f->question, error);
    f->released = true;
}

static void on_wait(struct flow *f, uint32_t timeout_ms) {
    if (f->released || f->accepted)
        return;
    if (f->waits)
        supervisors_hold(f->question, timeout_ms);
    else
        release(f);
}

/* What came in small pieces is kept as one: each would take more for its head than for itself. */
static bool join_early(struct flow *f, const struct frame *frame) {
    uint32_t size;
    if (frame->type != FRAME_DATA || !f->early_data)
        return false;
    memcpy(&size, f->early.data + f->early_data, sizeof size);
    size += (uint32_t)frame->payload.size;
    memcpy(f->early.data + f->early_data, &size, sizeof size);
    buffer_append(&f->early, frame->payload.data, frame->payload.size);
    return true;
}

static void keep(struct flow *f, const struct frame *frame) {
    if (!f->accepted || f->early.size + frame->payload.size > EARLY_MAX)
        die("the host sent data to a connection that it did not accept");
    if (join_early(f, frame))
        return;
    f->early_data = frame->type == FRAME_DATA ? f->early.size + 2 : 0;
    buffer_u8(&f->early, frame->type);
    buffer_u8(&f->early, frame->channel);
    buffer_bytes(&f->early, frame->payload);
}

bool flows_take(const struct frame *frame) {
    struct flow *f = find(frame->stream);
    struct msg_flow_refuse refuse;
    struct msg_flow_wait wait;
    /* It may have gone while the frame was under way. */
    if (!f)
        return true;
    switch (frame->type) {
    case FRAME_FLOW_ACCEPT: on_accept(f); return true;
    case FRAME_FLOW_REFUSE:
        if (!decode_flow_refuse(frame->payload, &refuse) || refuse.error == 0 || refuse.error > 4095 || f->accepted)
            return false;
        on_refuse(f, (int)refuse.error);
        return true;
    case FRAME_FLOW_WAIT:
        if (!decode_flow_wait(frame->payload, &wait))
            return false;
        on_wait(f, wait.timeout_ms);
        return true;
    case FRAME_KILL:
        /* What was accepted is not wanted any more; there may be no connection yet that could be reset. */
        if (f->accepted)
            on_refuse(f, ECONNRESET);
        return true;
    case FRAME_DATA:
    case FRAME_END:
    case FRAME_CREDIT: keep(f, frame); return true;
    default: return false;
    }
}

/* ---- what other threads say ---- */

struct news {
    enum { ASKED, HASHED, CONNECTED, SENT_OFF, ENDED } kind;
    uint32_t stream, question;
    bool waits;
    int fd, error;
    struct flow_trap trap;
    struct buffer message;
    uint8_t digest[32];
    bool known; /* the digest */
};

static void begin(struct news *n) {
    struct flow *f = calloc(1, sizeof *f);
    if (!f)
        die("out of memory");
    struct flow **bucket = bucket_of(n->stream);
    *f = (struct flow){.stream = n->stream, .question = n->question, .waits = n->waits, .socket = -1, .next = *bucket};
    *bucket = f;
    if (++flow_count + relays_out() > FLOWS_MAX) {
        supervisors_settle(f->question, EADDRNOTAVAIL);
        forget(f);
        return;
    }
    f->message = n->message;
    n->message = (struct buffer){0};
}

static void tell_host(struct flow *f) {
    /* The start of who connects comes first: its record may still lie there. */
    host_line_tell();
    link_send(FRAME_FLOW, 0, f->stream, (struct slice){f->message.data, f->message.size});
    buffer_free(&f->message);
    f->told = true;
}

void flows_resume(void) {
    for (size_t i = 0; i < BUCKETS && flow_count > 0; i++)
        for (struct flow *f = flows[i]; f && link_has_room(); f = f->next)
            if (f->hashed && !f->told)
                tell_host(f);
}

/* The hash is the last field, and was encoded as empty. */
static void on_hashed(struct flow *f, const struct news *n) {
    if (n->known) {
        f->message.size -= sizeof(uint32_t);
        buffer_bytes(&f->message, (struct slice){n->digest, sizeof n->digest});
    }
    f->hashed = true;
    if (link_has_room())
        tell_host(f);
}

static void reset(int fd) {
    struct linger at_once = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

static void on_connected(struct flow *f, int near) {
    if (!f->broken) {
        relay_from_now(f, near);
        return;
    }
    reset(near);
    link_send(FRAME_GONE, 0, f->stream, (struct slice){0});
    forget(f);
}

static void on_sent_off(struct flow *f, const struct news *n) {
    f->socket = n->fd;
    f->trap = n->trap;
    f->sent_off = f->released = true;
    if (f->broken)
        drop(f);
    else if (f->accepted)
        meet(f);
}

static void hear(void *argument) {
    struct news *n = argument;
    struct flow *f = n->kind == ASKED ? NULL : find(n->stream);
    switch (n->kind) {
    case ASKED: begin(n); break;
    case HASHED:
        if (f)
            on_hashed(f, n);
        break;
    /* A flow is forgotten before its thread has said the last of it only if there were too many. */
    case CONNECTED: f ? on_connected(f, n->fd) : (void)close(n->fd); break;
    case SENT_OFF:
        if (f) {
            on_sent_off(f, n);
        } else {
            flow_socket_drop(n->fd, &n->trap);
            closer_close(n->fd);
        }
        break;
    case ENDED:
        if (f && f->told && f->broken)
            link_send(FRAME_GONE, 0, f->stream, (struct slice){0});
        else if (f && f->told)
            relay_refuse(f->stream, n->error);
        if (f)
            forget(f);
        break;
    }
    buffer_free(&n->message);
    free(n);
}

static void tell(struct news news) {
    struct news *n = malloc(sizeof *n);
    if (!n)
        die("out of memory");
    *n = news;
    host_line_run(hear, n);
}

void flow_ask(uint32_t stream, uint32_t question, bool waits, const struct msg_flow *message) {
    struct news news = {.kind = ASKED, .stream = stream, .question = question, .waits = waits};
    encode_flow(&news.message, message);
    tell(news);
}

void flow_hashed(uint32_t stream, const uint8_t *digest) {
    struct news news = {.kind = HASHED, .stream = stream, .known = digest};
    if (digest)
        memcpy(news.digest, digest, sizeof news.digest);
    tell(news);
}

void flow_connected(uint32_t stream, int near) { tell((struct news){.kind = CONNECTED, .stream = stream, .fd = near}); }

void flow_sent_off(uint32_t stream, int socket, struct flow_trap trap) {
    tell((struct news){.kind = SENT_OFF, .stream = stream, .fd = socket, .trap = trap});
}

void flow_ended(uint32_t stream, int error) { tell((struct news){.kind = ENDED, .stream = stream, .error = error}); }
