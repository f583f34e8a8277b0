/* The filesystem floor: a Landlock ruleset for each policy, put on every command under it. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* The kernel's Landlock ABI, 0 where there is none. */
int landlock_abi(void);
/* A ruleset that grants nothing. -1: errno says why. */
int landlock_begin(void);
/* Grants `access` (ACCESS_*) below the object behind the O_PATH descriptor. */
bool landlock_grant(int ruleset, int path_fd, uint8_t access);
/* Restricts the calling thread for good. */
bool landlock_enter(int ruleset);
