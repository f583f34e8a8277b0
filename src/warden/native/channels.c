#define _GNU_SOURCE
#include "channels.h"
#include "die.h"
#include "link.h"
#include "terminal.h"
#include <errno.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TERMINAL_BUFFER_MAX = 256 * 1024 };

/* ---- output ---- */

void output_end(struct command *c, struct output *o) {
    if (o->ended)
        return;
    o->ended = true;
    link_send(FRAME_END, o->channel, c->stream, (struct slice){0});
}

static bool output_may_read(const struct output *o) {
    return o->watch.fd >= 0 && (o->ended || o->discard || (o->credit > 0 && link_has_room()));
}

void output_pace(struct output *o) { watch_set(&o->watch, output_may_read(o) ? EPOLLIN : 0); }

static ssize_t output_read(struct command *c, struct output *o) {
    static uint8_t trash[MAX_DATA_BYTES];
    size_t size = MAX_DATA_BYTES;
    if (c->first_exited && !o->ended && o->rest < size)
        size = o->rest;
    ssize_t count;
    if (o->discard || o->ended) {
        count = read(o->watch.fd, trash, size);
    } else {
        if (o->credit < size)
            size = o->credit;
        count = read(o->watch.fd, link_data_begin(size), size);
        if (count > 0) {
            link_data_commit(o->channel, c->stream, (size_t)count);
            o->credit -= (uint32_t)count;
        }
    }
    if (count > 0 && c->first_exited && !o->ended)
        o->rest -= (uint32_t)count;
    return count;
}

void output_ready(struct watch *watch, uint32_t events) {
    (void)events;
    struct command *c = watch->owner;
    struct output *o = watch == &c->outputs[0].watch ? &c->outputs[0] : &c->outputs[1];
    if (c->first_exited && !o->ended) {
        outputs_pace(c);
        return;
    }
    ssize_t count = output_read(c, o);
    if (count > 0)
        output_pace(o);
    if (count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    /* The end of a pipe, or EIO: the last one has closed the terminal. */
    if (c->terminal)
        watch_close(&c->input.watch);
    watch_close(&o->watch);
    output_end(c, o);
    end_if_over(c);
}

/* What the first process wrote before it ended is in the pipe. Past that, a background process may hold the pipe for
 * as long as it lives: its output is drained, so that it does not block, and dropped. */
static void output_finish(struct command *c, struct output *o) {
    while (o->watch.fd >= 0 && !o->ended && o->rest > 0) {
        if (!output_may_read(o))
            return;
        ssize_t count = output_read(c, o);
        if (count > 0 || (count < 0 && errno == EINTR))
            continue;
        if (count == 0 || errno != EAGAIN)
            watch_close(&o->watch);
        break;
    }
    output_end(c, o);
    output_pace(o);
}

void output_measure(struct command *c) {
    for (int i = 0; i < 2; i++) {
        int size = 0;
        struct output *o = &c->outputs[i];
        /* A terminal does not tell what is on its way: as much as its buffers hold. */
        if (c->terminal || o->watch.fd < 0 || ioctl(o->watch.fd, FIONREAD, &size))
            size = TERMINAL_BUFFER_MAX;
        o->rest = (uint32_t)size;
    }
}

void outputs_pace(struct command *c) {
    for (int i = 0; i < 2; i++) {
        if (c->first_exited)
            output_finish(c, &c->outputs[i]);
        output_pace(&c->outputs[i]);
    }
    end_if_over(c);
}

/* ---- input ---- */

static void input_close(struct command *c) {
    buffer_free(&c->input.pending);
    if (c->terminal && c->input.watch.fd >= 0)
        terminal_end_of_file(c->input.watch.fd);
    watch_close(&c->input.watch);
}

static void input_grant(struct command *c, size_t bytes) {
    struct msg_granted granted = {(uint32_t)bytes};
    struct buffer b = {0};
    encode_granted(&b, &granted);
    link_send(FRAME_GRANTED, CHANNEL_STDIN, c->stream, (struct slice){b.data, b.size});
    buffer_free(&b);
    c->input.credit += (uint32_t)bytes;
}

static void input_flush(struct command *c) {
    struct input *in = &c->input;
    size_t at = 0;
    while (in->watch.fd >= 0 && at < in->pending.size) {
        ssize_t count = write(in->watch.fd, in->pending.data + at, in->pending.size - at);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            break;
        if (count < 0) /* nobody reads it any more */
            watch_close(&in->watch);
        else
            at += (size_t)count;
    }
    if (in->watch.fd < 0)
        at = in->pending.size;
    if (at > 0) {
        in->pending.size -= at;
        memmove(in->pending.data, in->pending.data + at, in->pending.size);
        input_grant(c, at);
    }
    if (in->pending.size > 0)
        watch_set(&in->watch, EPOLLOUT);
    else if (in->ending)
        input_close(c);
    else
        watch_set(&in->watch, 0);
}

void input_ready(struct watch *watch, uint32_t events) {
    (void)events;
    input_flush(watch->owner);
}

void command_data(struct command *c, struct slice data) {
    if (data.size > c->input.credit || c->input.ending)
        die("the host sent input that it was not granted");
    c->input.credit -= (uint32_t)data.size;
    buffer_append(&c->input.pending, data.data, data.size);
    input_flush(c);
}

void command_input_end(struct command *c) {
    c->input.ending = true;
    input_flush(c);
}

/* ---- what the host grants ---- */

static struct output *output_of(struct command *c, uint8_t channel) {
    if (channel != CHANNEL_STDOUT && channel != CHANNEL_STDERR)
        die("the host named channel %u", channel);
    return &c->outputs[channel - CHANNEL_STDOUT];
}

void command_credit(struct command *c, uint8_t channel, uint32_t bytes) {
    struct output *o = output_of(c, channel);
    if (bytes > UINT32_MAX - o->credit)
        die("the host granted more than can be counted");
    o->credit += bytes;
    outputs_pace(c);
}

void command_discard(struct command *c, uint8_t channel) {
    output_of(c, channel)->discard = true;
    outputs_pace(c);
}
