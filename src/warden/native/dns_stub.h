/* The sandbox's name server, on port 53 of its loopback, UDP and TCP. It never asks anybody: a name gets an address that
 * stands for it (names.h), and only a connection that the policy allows makes the host resolve it. */
#pragma once
#include <stdbool.h>

/* The first that no other part of the warden has a use for. */
enum { DNS_STUB_FD = 5, DNS_STUB_SOCKETS = 2 };

/* Binds the port, where that takes a right that is about to be dropped. False: errno says why. */
bool dns_stub_bind(void);
/* Moves the sockets to DNS_STUB_FD and the descriptor after it, whatever those were. */
void dns_stub_keep(void);
/* Begins to listen, if it is bound already. */
void dns_stub_init(void);
/* From now on questions are answered, or refused while `closed`. False: the port is needed and cannot be had, errno says
 * why. It is taken in any case: a program that has it could keep a later policy from being put in force. */
bool dns_stub_open(bool closed);
