/* Asking the name server: a static program has no resolver of its own. */
#define _GNU_SOURCE
#include "net.h"
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { TYPE_A = 1 };

struct sockaddr_in loopback(int port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static size_t make_query(uint8_t *query, const char *name, int type) {
    static const uint8_t header[12] = {0x12, 0x34, 1, 0, 0, 1};
    memcpy(query, header, sizeof header);
    size_t size = sizeof header;
    for (const char *label = name; *label;) {
        size_t length = strcspn(label, ".");
        query[size++] = (uint8_t)length;
        memcpy(query + size, label, length);
        size += length;
        label += length + (label[length] == '.');
    }
    query[size++] = 0;
    query[size++] = (uint8_t)(type >> 8);
    query[size++] = (uint8_t)type;
    query[size++] = 0;
    query[size++] = 1;
    return size;
}

/* The size of what was answered, with the query's own name in it. */
static ssize_t ask_server(int kind, const uint8_t *query, size_t size, uint8_t *reply, size_t most) {
    struct sockaddr_in server = loopback(53);
    uint8_t framed[2 + 600] = {(uint8_t)(size >> 8), (uint8_t)size};
    int fd = socket(AF_INET, kind, 0);
    struct timeval patience = {5, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&server, sizeof server))
        return -1;
    memcpy(framed + 2, query, size);
    bool stream = kind == SOCK_STREAM;
    if (send(fd, stream ? framed : query, stream ? size + 2 : size, 0) < 0)
        return -1;
    ssize_t got = recv(fd, reply, most, 0);
    close(fd);
    if (stream && got > 2)
        memmove(reply, reply + 2, (size_t)(got -= 2));
    return got;
}

static int lookup(const char *name, int type, int kind, struct in_addr *address) {
    uint8_t query[600], reply[600];
    size_t size = make_query(query, name, type);
    ssize_t got = ask_server(kind, query, size, reply, sizeof reply);
    if (got < (ssize_t)size)
        return -1;
    /* The name comes back as it was sent, whatever its case. */
    if (memcmp(reply + 12, query + 12, size - 12) != 0)
        return -2;
    address->s_addr = 0;
    if (reply[7] == 1 && got >= (ssize_t)size + 16)
        memcpy(address, reply + size + 12, 4);
    return reply[3] & 0xf;
}

struct in_addr address_of(const char *host) {
    struct in_addr address = {0};
    if (inet_pton(AF_INET, host, &address) != 1 && lookup(host, TYPE_A, SOCK_DGRAM, &address) != 0)
        printf("no address: ");
    return address;
}

/* lookup NAME TYPE udp|tcp: the code and the address. */
void job_lookup(char **a) {
    struct in_addr address = {0};
    int code = lookup(a[0], atoi(a[1]), strcmp(a[2], "tcp") ? SOCK_DGRAM : SOCK_STREAM, &address);
    printf("%d %s\n", code, address.s_addr ? inet_ntoa(address) : "-");
}

/* names COUNT: how many names have addresses of their own, and what the next one gets. */
void job_names(char **a) {
    struct in_addr address, before = {0};
    char name[64];
    int count = 0, code = 0;
    for (; code == 0 && count < atoi(a[0]); count++) {
        snprintf(name, sizeof name, "n%d.test", count);
        code = lookup(name, TYPE_A, SOCK_DGRAM, &address);
        if (code == 0 && address.s_addr == before.s_addr)
            code = -3;
        before = address;
    }
    printf("%d %d\n", count, code);
}

/* raw HEX: what comes back for those bytes, as bytes, or "silence". */
void job_raw(char **a) {
    uint8_t query[600], reply[600];
    size_t size = 0;
    for (const char *at = a[0]; at[0] && at[1]; at += 2)
        sscanf(at, "%2hhx", &query[size++]);
    struct sockaddr_in server = loopback(53);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct timeval patience = {0, 300000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sendto(fd, query, size, 0, (struct sockaddr *)&server, sizeof server);
    ssize_t got = recv(fd, reply, sizeof reply, 0);
    for (ssize_t i = 0; i < got; i++)
        printf("%02x", reply[i]);
    puts(got < 0 ? "silence" : "");
}
