#define _GNU_SOURCE
#include "loop.h"
#include "die.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_PER_TURN = 32 };

static int epoll_fd = -1;
static void **garbage;
static size_t garbage_count, garbage_capacity;

void loop_init(void) {
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        die_errno("cannot create an epoll instance");
}

void watch_open(struct watch *watch, int fd, uint32_t events, void (*ready)(struct watch *, uint32_t), void *owner) {
    *watch = (struct watch){fd, events, ready, owner};
    if (events == 0)
        return;
    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event))
        die_errno("cannot watch a descriptor");
}

/* A watch without events leaves the set: epoll would report its hang-up over and over. */
void watch_set(struct watch *watch, uint32_t events) {
    if (watch->fd < 0 || watch->events == events)
        return;
    int operation = events == 0 ? EPOLL_CTL_DEL : watch->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (epoll_ctl(epoll_fd, operation, watch->fd, &event))
        die_errno("cannot change a watch");
    watch->events = events;
}

void watch_close(struct watch *watch) {
    if (watch->fd < 0)
        return;
    /* Removed by hand: a forked child may still hold the description, and closing alone would leave it in the set. */
    watch_set(watch, 0);
    close(watch->fd);
    watch->fd = -1;
}

void loop_free_later(void *pointer) {
    if (garbage_count == garbage_capacity) {
        garbage_capacity = garbage_capacity ? garbage_capacity * 2 : 16;
        garbage = realloc(garbage, garbage_capacity * sizeof *garbage);
        if (!garbage)
            die("out of memory");
    }
    garbage[garbage_count++] = pointer;
}

void loop_turn(int timeout_ms) {
    struct epoll_event events[EVENTS_PER_TURN];
    int count = epoll_wait(epoll_fd, events, EVENTS_PER_TURN, timeout_ms);
    if (count < 0 && errno != EINTR)
        die_errno("cannot wait for events");
    for (int i = 0; i < count; i++) {
        struct watch *watch = events[i].data.ptr;
        /* An earlier callback of this turn may have closed it. */
        if (watch->fd >= 0 && watch->events != 0)
            watch->ready(watch, events[i].events);
    }
    while (garbage_count > 0)
        free(garbage[--garbage_count]);
}

uint64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
