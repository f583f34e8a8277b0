/* A TCP connection of the sandbox, joined to a stream of the link: bytes go both ways, each as fast as its reader takes
 * them, and ends and resets go with them.
 *
 * Channel 0 carries what the host sends, channel 1 what the sandbox does; `end` on either is a half-close. A connection
 * that breaks is `failed`, and the host breaks one by `kill`. `gone` is the last frame.
 */
#pragma once
#include "link.h"
#include "loop.h"

/* Takes a connected, non-blocking socket over. */
void relay_open(uint32_t stream, int fd);
/* Whether the stream is one of these. */
bool relay_has(uint32_t stream);
/* A frame of the host for a stream that relay_has. False: it is malformed. */
bool relay_take(const struct frame *frame);
/* The link has room again. */
void relays_resume(void);

/* How many there are on streams of the warden. Any thread. */
unsigned relays_out(void);

/* The end of a stream that never became one. */
void relay_refuse(uint32_t stream, int error);
