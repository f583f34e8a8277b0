#define _GNU_SOURCE
#include "relay.h"
#include "die.h"
#include "protocol.gen.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BUCKETS = 1024,
    /* Grants are gathered: half of the credit is on its way meanwhile. */
    GRANT_MIN = INITIAL_CREDIT_BYTES / 4,
};

struct relay {
    struct watch watch;
    uint32_t stream;
    uint32_t credit;    /* what the host takes */
    uint32_t allowance; /* what the host may still send */
    uint32_t written;   /* what the socket took and was not granted anew */
    struct buffer input;
    int broken; /* errno of the first write that failed: nobody reads any more */
    bool input_ending, input_ended, output_ended;
    struct relay *next;
};

static struct relay *relays[BUCKETS];
static atomic_uint out;

unsigned relays_out(void) { return out; }

static struct relay **bucket_of(uint32_t stream) { return &relays[stream / 2 % BUCKETS]; }

static struct relay *find(uint32_t stream) {
    struct relay *r = *bucket_of(stream);
    while (r && r->stream != stream)
        r = r->next;
    return r;
}

bool relay_has(uint32_t stream) { return find(stream); }

/* ---- the end ---- */

static void send_empty(uint32_t stream, uint8_t type, uint8_t channel) {
    link_send(type, channel, stream, (struct slice){0});
}

static void send_failed(uint32_t stream, int error) {
    struct msg_failed failed = {STAGE_CONNECT, (uint32_t)error};
    struct buffer b = {0};
    encode_failed(&b, &failed);
    link_send(FRAME_FAILED, 0, stream, (struct slice){b.data, b.size});
    buffer_free(&b);
}

void relay_refuse(uint32_t stream, int error) {
    send_failed(stream, error);
    send_empty(stream, FRAME_GONE, 0);
}

static void relay_close(struct relay *r) {
    struct relay **at = bucket_of(r->stream);
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    out -= r->stream % 2 == 0;
    send_empty(r->stream, FRAME_GONE, 0);
    watch_close(&r->watch);
    buffer_free(&r->input);
    loop_free_later(r);
}

/* The other side hears of it as of any connection that breaks. */
static void relay_reset(struct relay *r) {
    struct linger at_once = {1, 0};
    setsockopt(r->watch.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    relay_close(r);
}

static void relay_fail(struct relay *r, int error) {
    send_failed(r->stream, error);
    relay_reset(r);
}

/* Closes what has ended on both sides; watches what is left for what can be done with it. */
static void relay_go_on(struct relay *r) {
    if (r->output_ended && r->broken) {
        relay_fail(r, r->broken);
        return;
    }
    if (r->output_ended && r->input_ended) {
        relay_close(r);
        return;
    }
    uint32_t events = 0;
    if (!r->output_ended && r->credit > 0 && link_has_room())
        events |= EPOLLIN;
    if (r->input.size > 0)
        events |= EPOLLOUT;
    /* Nothing is to be read any more, but the other side can still break it. */
    if (r->output_ended)
        events |= EPOLLERR;
    watch_set(&r->watch, events);
}

/* ---- from the sandbox ---- */

/* False: the relay is over. */
static bool read_output(struct relay *r) {
    size_t size = r->credit < MAX_DATA_BYTES ? r->credit : MAX_DATA_BYTES;
    ssize_t count = recv(r->watch.fd, link_data_begin(size), size, 0);
    if (count > 0) {
        link_data_commit(CHANNEL_STDOUT, r->stream, (size_t)count);
        r->credit -= (uint32_t)count;
    } else if (count == 0 && r->broken) {
        /* The kernel tells of a reset once, and told it to a write. */
        relay_fail(r, r->broken);
        return false;
    } else if (count == 0) {
        r->output_ended = true;
        send_empty(r->stream, FRAME_END, CHANNEL_STDOUT);
    } else if (errno != EAGAIN && errno != EINTR) {
        relay_fail(r, errno);
        return false;
    }
    return true;
}

/* ---- from the host ---- */

static void grant(struct relay *r, uint32_t bytes) {
    r->written += bytes;
    if (r->written < GRANT_MIN)
        return;
    struct msg_granted granted = {r->written};
    struct buffer b = {0};
    encode_granted(&b, &granted);
    link_send(FRAME_GRANTED, CHANNEL_STDIN, r->stream, (struct slice){b.data, b.size});
    buffer_free(&b);
    r->allowance += r->written;
    r->written = 0;
}

/* How much of it the socket took: all of it once nobody reads any more. */
static size_t write_input(struct relay *r, const uint8_t *data, size_t size) {
    size_t at = 0;
    while (at < size && !r->broken) {
        ssize_t count = send(r->watch.fd, data + at, size - at, MSG_NOSIGNAL);
        if (count >= 0)
            at += (size_t)count;
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            r->broken = errno;
    }
    if (r->broken)
        at = size;
    grant(r, (uint32_t)at);
    return at;
}

static void end_input(struct relay *r) {
    if (!r->input_ending || r->input_ended || r->input.size > 0)
        return;
    shutdown(r->watch.fd, SHUT_WR);
    r->input_ended = true;
}

static void flush_input(struct relay *r) {
    size_t done = write_input(r, r->input.data, r->input.size);
    r->input.size -= done;
    if (r->input.size == 0)
        buffer_free(&r->input);
    else if (done > 0)
        memmove(r->input.data, r->input.data + done, r->input.size);
    end_input(r);
}

static void on_data(struct relay *r, struct slice data) {
    if (data.size > r->allowance || r->input_ending)
        die("the host sent data that it was not granted");
    r->allowance -= (uint32_t)data.size;
    size_t done = r->input.size > 0 ? 0 : write_input(r, data.data, data.size);
    buffer_append(&r->input, data.data + done, data.size - done);
}

static void on_credit(struct relay *r, uint32_t bytes) {
    if (bytes > UINT32_MAX - r->credit)
        die("the host granted more than can be counted");
    r->credit += bytes;
}

bool relay_take(const struct frame *frame) {
    struct relay *r = find(frame->stream);
    struct msg_credit credit;
    switch (frame->type) {
    case FRAME_DATA: on_data(r, frame->payload); break;
    case FRAME_END:
        r->input_ending = true;
        end_input(r);
        break;
    case FRAME_CREDIT:
        if (!decode_credit(frame->payload, &credit))
            return false;
        on_credit(r, credit.bytes);
        break;
    case FRAME_KILL: relay_reset(r); return true;
    default: return false;
    }
    relay_go_on(r);
    return true;
}

/* ---- the socket ---- */

static void relay_ready(struct watch *watch, uint32_t events) {
    struct relay *r = watch->owner;
    if (r->input.size > 0)
        flush_input(r);
    if (r->output_ended && events & (EPOLLERR | EPOLLHUP) && !r->broken) {
        socklen_t size = sizeof r->broken;
        getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &r->broken, &size);
        r->broken = r->broken ? r->broken : ECONNRESET;
    }
    if (!r->output_ended && r->credit > 0 && link_has_room() && !read_output(r))
        return;
    relay_go_on(r);
}

void relay_open(uint32_t stream, int fd) {
    struct relay *r = calloc(1, sizeof *r);
    if (!r)
        die("out of memory");
    /* What is relayed was gathered by its sender already. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct relay **bucket = bucket_of(stream);
    *r = (struct relay){
        .stream = stream, .credit = INITIAL_CREDIT_BYTES, .allowance = INITIAL_CREDIT_BYTES, .next = *bucket};
    *bucket = r;
    out += stream % 2 == 0;
    watch_open(&r->watch, fd, 0, relay_ready, r);
    relay_go_on(r);
}

void relays_resume(void) {
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct relay *r = relays[i], *next; r; r = next) {
            next = r->next;
            relay_go_on(r);
        }
}
