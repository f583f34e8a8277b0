/* The addresses that names of the network get in the sandbox: 198.18.0.0/15 (RFC 2544), which nobody else has. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { NAME_BYTES = 254 /* with its NUL */ };

/* The address of a name (lower case, no final dot), in host order: the same one as long as the sandbox lives. False:
 * there are too many names. Any thread. */
bool names_address(const char *name, uint32_t *address);
/* The name that has an address; false: none. Any thread. */
bool names_find(uint32_t address, char name[NAME_BYTES]);
/* Whether the address is of those that names get. */
bool names_own(uint32_t address);
