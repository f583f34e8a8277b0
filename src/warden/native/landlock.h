/* The filesystem floor: a Landlock ruleset that is built once and put on every command. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* The kernel's Landlock ABI, 0 where there is none. */
int landlock_abi(void);
/* Begins a ruleset that grants nothing. False: errno says why. */
bool landlock_begin(void);
/* Grants `access` (ACCESS_*) below the object behind the O_PATH descriptor. */
bool landlock_grant(int path_fd, uint8_t access);
/* Restricts the caller for good. */
bool landlock_enter(void);
