/* Descriptors of the threads that called last, so that looking at one of them again finds it without procfs. */
#pragma once
#include "notice.h"

/* A descriptor of the calling thread, which stays ours; -1: this kernel has none for threads, or it is gone. */
int card_of(const struct notice *notice);
/* After a call by that descriptor failed: the number may have passed to another thread. */
void card_forget(const struct notice *notice);
