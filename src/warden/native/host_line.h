/* What supervisor threads have for the host: the main thread, which alone has the link, sends it. */
#pragma once
#include "bytes.h"
#include "start_judge.h"

void host_line_init(void);
/* Any thread. Waits while too much lies there. */
void host_line_send(uint8_t type, struct buffer *payload);
/* Hands a start to the main thread, the one that traces. */
void host_line_approve(struct approval *approval);
/* Hands back to it what was hashed for a start that it verifies. */
void host_line_hashed(struct hash_job *job);
/* Has the main thread call `run`, after what was handed over before. Any thread. */
void host_line_run(void (*run)(void *), void *argument);
/* Main thread: sends what lies there, records included: as soon as the link has room, or at once. */
void host_line_flush(bool at_once);
/* The same by itself, for whoever has something to say that is to come after it. */
void host_line_tell(void);
