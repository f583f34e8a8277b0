/* PID 1's duties: reaping, and killing what has lost its shepherd. */
#pragma once

/* Blocks the signals that the loop takes, and watches for them. */
void reaper_init(void);
/* Something may have lost its shepherd: look until nothing has. */
void reaper_sweep(void);
/* Looks, if it is time to. Milliseconds until the next look, -1 if none is due. */
int reaper_run(void);
