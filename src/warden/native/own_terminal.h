/* `/dev/tty`: another terminal for everyone. */
#pragma once
#include "place.h"

bool is_own_terminal_name(const struct stat *status);
/* Puts the caller's own terminal in place of the name. False: it has none. */
bool find_own_terminal(const struct notice *notice, struct place *place);
