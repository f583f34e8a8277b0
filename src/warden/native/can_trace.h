/* Whether the kernel lets the warden trace its descendants (Yama and others may not). */
#pragma once
#include <stdbool.h>

/* Main thread. False: errno says why. */
bool can_trace(void);
