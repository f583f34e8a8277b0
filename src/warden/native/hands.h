/* Workers: they do to files what was judged, restricted by the floor as the agent is. The fast ones never wait for
 * anybody; the slow ones may, and can be cancelled. */
#pragma once
#include "request.h"

struct hand;

/* Makes one fast worker. NULL: errno says why. */
struct hand *hand_start(int ruleset);
bool slow_hands_start(int ruleset);
/* Hands a request over. */
void hand_take(struct hand *hand, struct request *request);
void slow_hands_take(struct request *request);
/* In a worker: whether what it does was cancelled, and the errno that the caller is to see; 0: it is gone. */
bool hand_cancelled(int *error);
/* One look at what the slow workers do: cancels what nobody waits for any more. For the ticker. */
void slow_hands_tick(void);
/* The signal that interrupts a thread of ours; its handler does nothing. */
enum { INTERRUPT_SIGNAL = 10 /* SIGUSR1 */ };
void interrupt_thread(pid_t tid);
