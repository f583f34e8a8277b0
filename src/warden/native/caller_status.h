/* The beginning of /proc/TID/status, where the numbers are that we look for. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

enum { STATUS_BYTES = 512 };

bool status_read(pid_t tid, char text[STATUS_BYTES]);
/* The number after a label, which begins with a newline: the kernel escapes those in the name, which is the process's own
 * choice. -1: it is not there. */
long status_number(const char *text, const char *label, int base);
