#define _GNU_SOURCE
#include "link.h"
#include "die.h"
#include "loop.h"
#include "protocol.gen.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    READ_CHUNK = 128 * 1024,
    /* Above this the warden stops reading command output; control frames still go. */
    QUEUE_SOFT_LIMIT = 512 * 1024,
    /* A host that lets control frames pile up to this is not one. */
    QUEUE_HARD_LIMIT = 16 * 1024 * 1024,
    LINK_DESCRIPTOR_MIN = 10,
};

static struct watch in, out;
static struct buffer inbox, outbox;
static size_t out_at;
static uint64_t last_heard;
static void (*handle_frame)(const struct frame *);
static void (*handle_writable)(void);

static int take_over(int fd) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, LINK_DESCRIPTOR_MIN);
    if (copy < 0 || fcntl(copy, F_SETFL, fcntl(copy, F_GETFL) | O_NONBLOCK) < 0)
        die_errno("cannot take over descriptor %d", fd);
    return copy;
}

static void on_readable(struct watch *watch, uint32_t events) {
    (void)events;
    buffer_reserve(&inbox, READ_CHUNK);
    ssize_t count = read(watch->fd, inbox.data + inbox.size, inbox.capacity - inbox.size);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    /* The end of the link is the end of the sandbox. */
    if (count <= 0)
        _exit(0);
    last_heard = now_ms();
    inbox.size += (size_t)count;
    ptrdiff_t used = frames_parse((struct slice){inbox.data, inbox.size}, handle_frame);
    if (used < 0)
        die("the host sent a malformed frame");
    inbox.size -= (size_t)used;
    memmove(inbox.data, inbox.data + used, inbox.size);
    /* One large message must not cost its memory for ever. */
    if (inbox.size == 0 && inbox.capacity > 2 * READ_CHUNK)
        buffer_free(&inbox);
}

static bool write_some(void) {
    while (out_at < outbox.size) {
        ssize_t count = write(out.fd, outbox.data + out_at, outbox.size - out_at);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return false;
        if (count < 0)
            _exit(0);
        out_at += (size_t)count;
    }
    out_at = 0;
    outbox.size = 0;
    if (outbox.capacity > 2 * QUEUE_SOFT_LIMIT)
        buffer_free(&outbox);
    return true;
}

void link_flush(void) {
    bool was_full = !link_has_room();
    bool empty = write_some();
    /* Whoever is resumed may fill the queue and pause again: somebody must resume them once it is written. */
    while (was_full && link_has_room()) {
        handle_writable();
        was_full = !link_has_room();
        empty = write_some();
    }
    watch_set(&out, empty ? 0 : EPOLLOUT);
}

static void on_out(struct watch *watch, uint32_t events) {
    (void)watch;
    (void)events;
    link_flush();
}

void link_drain(void) {
    struct pollfd poll_out = {out.fd, POLLOUT, 0};
    while (!write_some() && poll(&poll_out, 1, 5000) > 0)
        ;
}

void link_init(void (*on_frame)(const struct frame *), void (*on_writable)(void)) {
    handle_frame = on_frame;
    handle_writable = on_writable;
    last_heard = now_ms();
    int in_fd = take_over(0), out_fd = take_over(1);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
        die_errno("cannot replace the standard descriptors with /dev/null");
    close(null);
    watch_open(&in, in_fd, EPOLLIN, on_readable, NULL);
    watch_open(&out, out_fd, 0, on_out, NULL);
}

bool link_has_room(void) { return outbox.size - out_at < QUEUE_SOFT_LIMIT; }

static void make_room(size_t size) {
    if (out_at > 0 && out_at == outbox.size)
        out_at = outbox.size = 0;
    if (out_at > QUEUE_SOFT_LIMIT) {
        outbox.size -= out_at;
        memmove(outbox.data, outbox.data + out_at, outbox.size);
        out_at = 0;
    }
    if (outbox.size > QUEUE_HARD_LIMIT)
        die("the host does not read");
    buffer_reserve(&outbox, HEADER_BYTES + size);
}

static void put_header(uint8_t type, uint8_t channel, uint32_t stream, size_t size) {
    buffer_u32(&outbox, (uint32_t)size);
    buffer_u8(&outbox, type);
    buffer_u8(&outbox, channel);
    buffer_append(&outbox, "\0", 2);
    buffer_u32(&outbox, stream);
}

void link_send(uint8_t type, uint8_t channel, uint32_t stream, struct slice payload) {
    make_room(payload.size);
    put_header(type, channel, stream, payload.size);
    buffer_append(&outbox, payload.data, payload.size);
}

uint8_t *link_data_begin(size_t size) {
    make_room(size);
    return outbox.data + outbox.size + HEADER_BYTES;
}

void link_data_commit(uint8_t channel, uint32_t stream, size_t size) {
    put_header(FRAME_DATA, channel, stream, size);
    outbox.size += size;
}

uint64_t link_last_heard_ms(void) { return last_heard; }
