/* See net.c. */
#pragma once
#include <netinet/in.h>

struct sockaddr_in loopback(int port);
/* Of a name, by the name server, or as it is written. */
struct in_addr address_of(const char *host);

void job_lookup(char **arguments);
void job_names(char **arguments);
void job_raw(char **arguments);
