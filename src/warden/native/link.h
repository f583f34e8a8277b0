/* The warden's end of the link: whole frames in, frames out, never blocking and never buffering without bound. */
#pragma once
#include "bytes.h"

struct frame {
    uint8_t type, channel;
    uint32_t stream;
    struct slice payload;
};

/* Takes the descriptors over: they become private copies, and 0 and 1 become /dev/null. */
void link_init(void (*on_frame)(const struct frame *frame), void (*on_writable)(void));
/* Room for a data frame: readers of command output pause while there is none. */
bool link_has_room(void);
void link_send(uint8_t type, uint8_t channel, uint32_t stream, struct slice payload);
/* A place of `size` bytes inside the queue for the payload of a data frame, and its commitment. */
uint8_t *link_data_begin(size_t size);
void link_data_commit(uint8_t channel, uint32_t stream, size_t size);
/* Writes what it can without blocking; called once a turn. */
void link_flush(void);
/* Writes everything, blocking: for last words. */
void link_drain(void);
/* When the last byte came from the host, on the monotonic clock. */
uint64_t link_last_heard_ms(void);

/* The parser by itself: consumes whole frames from `bytes`, returns how many bytes it used, or -1 on a violation. */
ptrdiff_t frames_parse(struct slice bytes, void (*on_frame)(const struct frame *frame));
