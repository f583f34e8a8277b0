/* Lets go of copies of callers' descriptors. The last to close a socket may have to wait (SO_LINGER), for as long as whoever made it
 * likes: neither a supervisor nor the main thread does. */
#pragma once
#include <stdbool.h>

/* Makes the thread that does. False: errno says why. */
bool closer_start(void);
/* Closes it, now or soon. */
void closer_close(int fd);
/* One look: interrupts a close that waits. For the ticker. */
void closer_tick(void);
