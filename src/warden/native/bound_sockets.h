/* Sockets of the host may lie in a folder that it shares; those that were bound in the sandbox are in its network
 * namespace, which is its own. */
#pragma once
#include <stdbool.h>
#include <sys/stat.h>

/* Whether the socket was bound in this network namespace, and still is open. */
bool socket_was_bound_here(const struct stat *socket);
/* Whether this kernel can tell. */
bool bound_sockets_work(void);
