/* Signals that a caller would handle, while its call is with us: the kernel keeps them waiting until it is answered. */
#pragma once
#include "notice.h"

/* Whether one waits; `error` is with which errno the call is to end, so that it is taken. */
bool signal_is_pending(const struct notice *notice, int *error);
