/* connect() of a TCP socket towards something that is not the sandbox's own loopback. */
#pragma once
#include "request.h"
#include <sys/socket.h>

/* Takes the request over if its socket is one, and the address of another machine: `address` was read once. False: the
 * kernel may have it, for in this network namespace it can reach nothing but the sandbox's own. */
bool connection_take(struct request *request, const struct sockaddr_storage *address, socklen_t size);
/* Ends it with an errno, where letting go of the socket may take its time. */
void connection_fail(struct request *request, int error);
/* As request_expired. */
void connection_expired(struct request *request, bool gone, int error);
