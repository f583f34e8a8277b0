/* How a program's own socket comes to have the warden as its other end, with nobody else in between.
 *
 * A socket that waits is connected to a listener that exists for it alone, and what comes out there is compared with it. One
 * that does not wait is sent towards a port where nothing answers, so that it looks as if the network took its time; when the
 * host has connected, the warden opens towards it from that very port (RFC 9293, 3.5, simultaneous open). Nothing of either
 * can be reached by another socket: a connection is its four addresses.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Connects a waiting socket. Returns the warden's end, -1: errno is for the program. */
int flow_socket_connect(int socket);

/* A socket on its way to nowhere. */
struct flow_trap {
    int listener; /* drops what comes */
    int near;     /* bound to the same port, to open from */
};

/* Sends off a socket that does not wait. False: errno is for the program; otherwise that is EINPROGRESS. */
bool flow_socket_send_off(int socket, struct flow_trap *trap);
/* The socket has arrived: returns the warden's end, and the trap is gone. -1: it has given up meanwhile. */
int flow_socket_meet(int socket, struct flow_trap *trap);
/* It never will: the program sees a connection that failed. */
void flow_socket_drop(int socket, struct flow_trap *trap);
