/* One DNS message (RFC 1035, EDNS of RFC 6891), read and answered. Pure: no system call, no global. */
#pragma once
#include "bytes.h"

enum { DNS_QUERY_MAX = 1024, DNS_REPLY_MAX = 320, DNS_NAME_BYTES = 254 };

/* What there is to tell. */
struct dns_zone {
    /* The address of a host name (lower case), in host order; false: there is no room for one. */
    bool (*address)(const char *name, uint32_t *address);
    const char *own_name; /* of this machine; may be NULL */
    bool closed;          /* every question is refused */
};

/* Writes the answer, and returns its size; 0: what came gets none. */
size_t dns_answer(struct slice query, const struct dns_zone *zone, uint8_t reply[DNS_REPLY_MAX]);
