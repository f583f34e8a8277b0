#define _GNU_SOURCE
#include "dial.h"
#include "die.h"
#include "link.h"
#include "loop.h"
#include "own_ports.h"
#include "relay.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DIALS_MAX = MAX_STREAMS };

/* 127.0.0.1 first, and ::1 where nothing listens there: some servers have only the one, some only the other. */
static const int families[] = {AF_INET, AF_INET6};
enum { FAMILIES = sizeof families / sizeof *families };

struct dialing {
    struct watch watch;
    uint32_t stream;
    uint16_t port;
    int family; /* index of the one that is tried */
    int error;  /* of 127.0.0.1: what the host hears if ::1 is no better */
    struct dialing *next;
};

static struct dialing *dialings;
static uint32_t dialing_count;

static struct dialing *find(uint32_t stream) {
    struct dialing *d = dialings;
    while (d && d->stream != stream)
        d = d->next;
    return d;
}

bool dial_has(uint32_t stream) { return find(stream); }

static void forget(struct dialing *d) {
    struct dialing **at = &dialings;
    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    dialing_count--;
    watch_close(&d->watch);
    loop_free_later(d);
}

void dial_cancel(uint32_t stream) {
    link_send(FRAME_GONE, 0, stream, (struct slice){0});
    forget(find(stream));
}

/* A connection to a free port can meet itself: the kernel may choose that port for its near end, too. */
static bool is_own_peer(int fd) {
    struct sockaddr_in6 near, far;
    socklen_t near_size = sizeof near, far_size = sizeof far;
    if (getsockname(fd, (struct sockaddr *)&near, &near_size) || getpeername(fd, (struct sockaddr *)&far, &far_size))
        return true;
    return near_size == far_size && memcmp(&near, &far, near_size) == 0;
}

static int connect_loopback(int fd, int family, uint16_t port) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    return family == AF_INET ? connect(fd, (struct sockaddr *)&v4, sizeof v4)
                             : connect(fd, (struct sockaddr *)&v6, sizeof v6);
}

static void succeed(struct dialing *d, int fd) {
    link_send(FRAME_CONNECTED, 0, d->stream, (struct slice){0});
    relay_open(d->stream, fd);
    forget(d);
}

static void on_connected(struct watch *watch, uint32_t events);

/* Tries the families that are left. What waits goes on in on_connected. */
static void try_on(struct dialing *d) {
    for (; d->family < FAMILIES; d->family++) {
        int fd = socket(families[d->family], SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int error = fd < 0 ? errno : 0;
        if (fd >= 0 && connect_loopback(fd, families[d->family], d->port) == 0) {
            if (!is_own_peer(fd)) {
                succeed(d, fd);
                return;
            }
            error = ECONNREFUSED;
        } else if (fd >= 0 && (error = errno) == EINPROGRESS) {
            watch_open(&d->watch, fd, EPOLLOUT, on_connected, d);
            return;
        }
        if (fd >= 0)
            close(fd);
        if (d->family == 0)
            d->error = error;
    }
    relay_refuse(d->stream, d->error);
    forget(d);
}

static void on_connected(struct watch *watch, uint32_t events) {
    (void)events;
    struct dialing *d = watch->owner;
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0 && !is_own_peer(watch->fd)) {
        int fd = watch->fd;
        watch_set(watch, 0);
        watch->fd = -1;
        succeed(d, fd);
        return;
    }
    watch_close(watch);
    if (d->family == 0)
        d->error = error ? error : ECONNREFUSED;
    d->family++;
    try_on(d);
}

void dial(uint32_t stream, const struct msg_dial *request) {
    int refusal = request->port == 0 || request->port > UINT16_MAX ? EINVAL
                  : own_ports_have((uint16_t)request->port)        ? EACCES
                  : dialing_count >= DIALS_MAX                     ? EAGAIN
                                                                   : 0;
    if (refusal) {
        relay_refuse(stream, refusal);
        return;
    }
    struct dialing *d = calloc(1, sizeof *d);
    if (!d)
        die("out of memory");
    *d = (struct dialing){.watch.fd = -1, .stream = stream, .port = (uint16_t)request->port, .next = dialings};
    dialings = d;
    dialing_count++;
    try_on(d);
}
