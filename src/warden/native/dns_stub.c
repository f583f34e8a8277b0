#define _GNU_SOURCE
#include "dns_stub.h"
#include "die.h"
#include "dns_message.h"
#include "loop.h"
#include "names.h"
#include "own_ports.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { PORT = 53, TURN_MAX = 64, CLIENTS_MAX = 32, BACKLOG = 64 };

/* One connection: queries one after the other, each behind its size. */
struct client {
    struct watch watch; /* fd -1: free */
    uint64_t used;
    size_t size;
    uint8_t query[2 + DNS_QUERY_MAX];
};

static int bound[DNS_STUB_SOCKETS] = {-1, -1}; /* UDP, TCP */
static struct watch udp, tcp;
static struct client clients[CLIENTS_MAX];
static uint64_t clock_hand;
static struct utsname machine;
static struct dns_zone zone = {.address = names_address, .own_name = machine.nodename, .closed = true};

static bool bind_one(int type, int *fd) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return false;
    return bind(*fd, (struct sockaddr *)&address, sizeof address) == 0 &&
           (type == SOCK_DGRAM || listen(*fd, BACKLOG) == 0);
}

bool dns_stub_bind(void) { return bind_one(SOCK_DGRAM, &bound[0]) && bind_one(SOCK_STREAM, &bound[1]); }

void dns_stub_keep(void) {
    for (int i = 0; i < DNS_STUB_SOCKETS; i++) {
        /* Out of the way of the other's place. */
        int high = fcntl(bound[i], F_DUPFD_CLOEXEC, DNS_STUB_FD + DNS_STUB_SOCKETS);
        close(bound[i]);
        bound[i] = high;
    }
    for (int i = 0; i < DNS_STUB_SOCKETS; i++) {
        int place = dup3(bound[i], DNS_STUB_FD + i, O_CLOEXEC);
        close(bound[i]);
        bound[i] = place;
    }
    for (int i = 0; i < DNS_STUB_SOCKETS; i++)
        if (bound[i] < 0)
            die_errno("cannot keep the sockets of the name server");
}

/* ---- UDP ---- */

static void on_datagram(struct watch *watch, uint32_t events) {
    (void)events;
    uint8_t query[DNS_QUERY_MAX], reply[DNS_REPLY_MAX];
    for (int i = 0; i < TURN_MAX; i++) {
        struct sockaddr_in from;
        socklen_t from_size = sizeof from;
        ssize_t size = recvfrom(watch->fd, query, sizeof query, 0, (struct sockaddr *)&from, &from_size);
        if (size < 0)
            return;
        size_t answer = dns_answer((struct slice){query, (size_t)size}, &zone, reply);
        if (answer > 0)
            sendto(watch->fd, reply, answer, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&from, from_size);
    }
}

/* ---- TCP ---- */

/* False: it is not to be heard any more. */
static bool answer_next(struct client *c) {
    uint8_t reply[2 + DNS_REPLY_MAX];
    size_t size = (size_t)c->query[0] << 8 | c->query[1];
    if (size > DNS_QUERY_MAX)
        return false;
    if (c->size < 2 || c->size - 2 < size)
        return true;
    size_t answer = dns_answer((struct slice){c->query + 2, size}, &zone, reply + 2);
    c->size -= 2 + size;
    memmove(c->query, c->query + 2 + size, c->size);
    if (answer == 0)
        return false;
    reply[0] = (uint8_t)(answer >> 8);
    reply[1] = (uint8_t)answer;
    /* Who does not read its answers gets no more of them. */
    return send(c->watch.fd, reply, 2 + answer, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)(2 + answer);
}

static void on_query(struct watch *watch, uint32_t events) {
    (void)events;
    struct client *c = watch->owner;
    ssize_t size = recv(watch->fd, c->query + c->size, sizeof c->query - c->size, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    bool goes_on = size > 0;
    c->used = ++clock_hand;
    c->size += goes_on ? (size_t)size : 0;
    for (size_t before = 0; goes_on && c->size >= 2 && before != c->size;) {
        before = c->size;
        goes_on = answer_next(c);
    }
    if (!goes_on)
        watch_close(watch);
}

/* A free place, or that of whoever was silent for longest. */
static struct client *place_for_client(void) {
    struct client *oldest = &clients[0];
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (clients[i].watch.fd < 0)
            return &clients[i];
        if (clients[i].used < oldest->used)
            oldest = &clients[i];
    }
    watch_close(&oldest->watch);
    return oldest;
}

static void on_client(struct watch *watch, uint32_t events) {
    (void)events;
    int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct client *c = place_for_client();
    c->used = ++clock_hand;
    c->size = 0;
    watch_open(&c->watch, fd, EPOLLIN, on_query, c);
}

/* ---- life ---- */

static void watch_both(void) {
    uname(&machine);
    own_ports_add(PORT);
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        clients[i].watch.fd = -1;
    watch_open(&udp, bound[0], EPOLLIN, on_datagram, NULL);
    watch_open(&tcp, bound[1], EPOLLIN, on_client, NULL);
}

void dns_stub_init(void) {
    if (bound[0] >= 0)
        watch_both();
}

bool dns_stub_open(bool closed) {
    zone.closed = closed;
    if (bound[0] >= 0)
        return true;
    if (!dns_stub_bind()) {
        int error = errno;
        for (int i = 0; i < DNS_STUB_SOCKETS; i++) {
            if (bound[i] >= 0)
                close(bound[i]);
            bound[i] = -1;
        }
        errno = error;
        return closed;
    }
    watch_both();
    return true;
}
