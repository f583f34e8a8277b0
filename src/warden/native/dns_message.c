#include "dns_message.h"

enum {
    HEADER = 12,
    TYPE_A = 1,
    TYPE_OPT = 41,
    TYPE_IXFR = 251,
    TYPE_AXFR = 252,
    CLASS_IN = 1,
    LABEL_MAX = 63,
    WIRE_NAME_MAX = 255,
    UDP_BYTES = 1232,
    TTL_SECONDS = 300,
    NAME_AT_QUESTION = 0xc00c,
};

enum rcode { NO_ERROR, FORMAT_ERROR, SERVER_FAILURE, NO_NAME, NOT_IMPLEMENTED, REFUSED, BAD_VERSION = 16 };

struct question {
    char name[DNS_NAME_BYTES]; /* lower case */
    bool host_name;            /* made of what host names are made of */
    uint16_t type, class;
    size_t size; /* on the wire */
    bool edns;
    uint8_t version;
};

struct writer {
    uint8_t *at;
};

static uint16_t u16_at(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static void put_u8(struct writer *w, unsigned value) { *w->at++ = (uint8_t)value; }
static void put_u16(struct writer *w, unsigned value) {
    put_u8(w, value >> 8);
    put_u8(w, value & 0xff);
}
static void put_u32(struct writer *w, uint32_t value) {
    put_u16(w, value >> 16);
    put_u16(w, value & 0xffff);
}

static bool in_host_name(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Reads the name at `at` without compression, which has no place in a question. 0: malformed; else its size. */
static size_t read_name(struct slice message, size_t at, struct question *q) {
    size_t begin = at, written = 0;
    q->host_name = true;
    for (;;) {
        if (at >= message.size || message.data[at] > LABEL_MAX)
            return 0;
        size_t size = message.data[at++];
        if (size == 0)
            break;
        if (message.size - at < size || at + size - begin >= WIRE_NAME_MAX)
            return 0;
        if (written)
            q->name[written++] = '.';
        for (size_t i = 0; i < size; i++) {
            uint8_t c = message.data[at + i];
            c = c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
            q->host_name &= in_host_name(c);
            q->name[written++] = (char)c;
        }
        at += size;
    }
    q->name[written] = 0;
    return at - begin;
}

/* An OPT record right behind the question; others are not looked at. */
static void read_options(struct slice message, size_t at, struct question *q) {
    static const size_t fixed = 11;
    if (message.size - at < fixed || message.data[at] != 0 || u16_at(message.data + at + 1) != TYPE_OPT)
        return;
    q->edns = true;
    q->version = message.data[at + 6];
}

static bool read_question(struct slice message, struct question *q) {
    const uint8_t *header = message.data;
    if (u16_at(header + 4) != 1)
        return false;
    size_t size = read_name(message, HEADER, q);
    if (size == 0 || message.size - HEADER - size < 4)
        return false;
    q->type = u16_at(header + HEADER + size);
    q->class = u16_at(header + HEADER + size + 2);
    q->size = size + 4;
    bool nothing_between = u16_at(header + 6) == 0 && u16_at(header + 8) == 0;
    if (nothing_between && u16_at(header + 10) > 0)
        read_options(message, HEADER + q->size, q);
    return true;
}

static bool ends_with(const char *name, const char *end) {
    size_t size = strlen(name), tail = strlen(end);
    return size >= tail && strcmp(name + size - tail, end) == 0;
}

static bool is_number(const char *name) {
    const char *last = strrchr(name, '.');
    last = last ? last + 1 : name;
    return *last && last[strspn(last, "0123456789")] == 0;
}

static bool is_here(const char *name, const struct dns_zone *zone) {
    return strcmp(name, "localhost") == 0 || ends_with(name, ".localhost") ||
           (zone->own_name && strcmp(name, zone->own_name) == 0);
}

/* What to say to a question; `found`: there is an address. */
static enum rcode look_up(const struct question *q, const struct dns_zone *zone, uint32_t *address, bool *found) {
    if (q->version != 0)
        return BAD_VERSION;
    if (zone->closed || q->class != CLASS_IN || q->type == TYPE_AXFR || q->type == TYPE_IXFR)
        return REFUSED;
    if (!q->name[0])
        return NO_ERROR;
    /* Nothing is known of addresses, and a number is no name. */
    if (!q->host_name || is_number(q->name) || ends_with(q->name, ".arpa"))
        return NO_NAME;
    if (q->type != TYPE_A)
        return NO_ERROR;
    *address = 127U << 24 | 1;
    *found = is_here(q->name, zone) || zone->address(q->name, address);
    return *found ? NO_ERROR : SERVER_FAILURE;
}

static void put_header(struct writer *w, const uint8_t *query, enum rcode code, unsigned questions, unsigned answers,
                       unsigned additional) {
    enum { RESPONSE = 0x80, KEPT = 0x79 /* opcode, RD */, RECURSION_AVAILABLE = 0x80 };
    put_u8(w, query[0]);
    put_u8(w, query[1]);
    put_u8(w, RESPONSE | (query[2] & KEPT));
    put_u8(w, RECURSION_AVAILABLE | (code & 0xf));
    put_u16(w, questions);
    put_u16(w, answers);
    put_u16(w, 0);
    put_u16(w, additional);
}

static void put_address(struct writer *w, uint32_t address) {
    put_u16(w, NAME_AT_QUESTION);
    put_u16(w, TYPE_A);
    put_u16(w, CLASS_IN);
    put_u32(w, TTL_SECONDS);
    put_u16(w, sizeof address);
    put_u32(w, address);
}

static void put_options(struct writer *w, enum rcode code) {
    put_u8(w, 0);
    put_u16(w, TYPE_OPT);
    put_u16(w, UDP_BYTES);
    put_u8(w, code >> 4);
    put_u8(w, 0);
    put_u16(w, 0);
    put_u16(w, 0);
}

size_t dns_answer(struct slice query, const struct dns_zone *zone, uint8_t reply[DNS_REPLY_MAX]) {
    enum { IS_RESPONSE = 0x80, OPCODE = 0x78 };
    struct writer w = {reply};
    struct question q = {0};
    /* To answer answers would be a loop. */
    if (query.size < HEADER || query.data[2] & IS_RESPONSE)
        return 0;
    bool other = query.data[2] & OPCODE;
    if (other || !read_question(query, &q)) {
        put_header(&w, query.data, other ? NOT_IMPLEMENTED : FORMAT_ERROR, 0, 0, 0);
        return HEADER;
    }
    uint32_t address;
    bool found = false;
    enum rcode code = look_up(&q, zone, &address, &found);
    put_header(&w, query.data, code, 1, found, q.edns);
    /* As it was asked, upper case included. */
    memcpy(w.at, query.data + HEADER, q.size);
    w.at += q.size;
    if (found)
        put_address(&w, address);
    if (q.edns)
        put_options(&w, code);
    return (size_t)(w.at - reply);
}
