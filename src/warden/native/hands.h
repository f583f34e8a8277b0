/* Workers for what may wait for others: a FIFO, a full backlog. They can be cancelled. In a Landlock domain of their own
 * they see no more of any process than others do, so what procfs shows of strangers is also theirs to open. All else
 * supervisors do themselves. */
#pragma once
#include "request.h"

/* Makes them, under the floor. False: errno says why. */
bool slow_hands_start(int ruleset);
/* Hands a request over. */
void slow_hands_take(struct request *request);
/* In a worker: whether what it does was cancelled, and the errno that the caller is to see; 0: it is gone. */
bool hand_cancelled(int *error);
/* One look at what the slow workers do: cancels what nobody waits for any more. For the ticker. */
void slow_hands_tick(void);
