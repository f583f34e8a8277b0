/* Connections out of the sandbox, until they are relayed (relay.h): what the host is asked, and what it says.
 *
 *   program ── connect() ── supervisor: whereto, and who ── main thread: `flow` ══ host decides and dials
 *                 ▲                                               │
 *                 └── worker: connects the program's socket ◄─────┘ `flowAccept`, `flowRefuse`, `flowWait`
 */
#pragma once
#include "flow_socket.h"
#include "link.h"
#include "protocol.gen.h"
#include <stdbool.h>

/* ---- for supervisors and workers: each is carried out by the main thread, in this order ---- */

/* Whether there can be no more at this time. */
bool flows_are_many(void);
/* A number that no flow had. */
uint32_t flow_number(void);
/* Will ask the host once flow_hashed was called; `question` is the supervisor's, which hears the answer
 * (supervisors_settle). */
void flow_ask(uint32_t stream, uint32_t question, bool waits, const struct msg_flow *message);
/* The program's SHA-256; NULL: it is not known, or not wanted. */
void flow_hashed(uint32_t stream, const uint8_t *digest);
/* The program's socket is connected; `near` is the warden's end, and is taken over. */
void flow_connected(uint32_t stream, int near);
/* It is on its way: both are taken over. */
void flow_sent_off(uint32_t stream, int socket, struct flow_trap trap);
/* Nobody wants the connection any more, or it failed with `error` after it was accepted. */
void flow_ended(uint32_t stream, int error);

/* ---- for the main thread ---- */

/* The link has room again: tells the host of those that waited for it. */
void flows_resume(void);
/* A frame of the host for a stream of the warden that is no relay. False: it is malformed. */
bool flows_take(const struct frame *frame);
