/* One epoll loop: descriptors with a callback, and one clock. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct watch {
    int fd; /* -1: closed */
    uint32_t events;
    void (*ready)(struct watch *watch, uint32_t events);
    void *owner;
};

void loop_init(void);
/* Watches `fd`; `events` may be 0 to begin with. The watch must outlive the turn of the loop in which it is closed. */
void watch_open(struct watch *watch, int fd, uint32_t events, void (*ready)(struct watch *, uint32_t), void *owner);
void watch_set(struct watch *watch, uint32_t events);
/* Stops watching and closes the descriptor. Does nothing on a closed watch. */
void watch_close(struct watch *watch);
/* Runs `free_later` objects only when no event of this turn can still point into them. */
void loop_free_later(void *pointer);
/* One turn: waits at most `timeout_ms` (-1: for ever) and calls what is ready. */
void loop_turn(int timeout_ms);
/* Milliseconds of the monotonic clock. */
uint64_t now_ms(void);
