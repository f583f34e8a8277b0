/* Ends a call of another thread of ours that waits. */
#pragma once
#include <sys/types.h>

/* Its handler does nothing. */
enum { INTERRUPT_SIGNAL = 10 /* SIGUSR1 */ };

void interrupt_thread(pid_t tid);
