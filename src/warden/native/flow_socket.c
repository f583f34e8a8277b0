#define _GNU_SOURCE
#include "flow_socket.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Linux 4.11. */
#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT 30
#endif

enum { ACCEPT_MS = 1000 };

static int keep_errno_close(int fd) {
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

static int new_socket(void) { return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

/* Any free port of the loopback; fills in which. */
static bool bind_anywhere(int fd, struct sockaddr_in *address) {
    socklen_t size = sizeof *address;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return bind(fd, (struct sockaddr *)address, size) == 0 && getsockname(fd, (struct sockaddr *)address, &size) == 0;
}

/* The program's socket may be of either family: IPv6 ones take the address as a mapped one. */
static int connect_to(int socket, const struct sockaddr_in *to) {
    int family = 0, off = 0, usual = -1;
    socklen_t size = sizeof family;
    if (getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size))
        return -1;
    /* It would only connect with the first byte that is sent. */
    setsockopt(socket, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &off, sizeof off);
    setsockopt(socket, IPPROTO_IP, IP_TTL, &usual, sizeof usual);
    if (family == AF_INET)
        return connect(socket, (const struct sockaddr *)to, sizeof *to);
    /* One that was made for IPv6 alone takes none; one that is bound stays so, and finds no way. */
    setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = to->sin_port};
    mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
    memcpy(&mapped.sin6_addr.s6_addr[12], &to->sin_addr, sizeof to->sin_addr);
    return connect(socket, (const struct sockaddr *)&mapped, sizeof mapped);
}

/* The near end of a socket as an IPv4 address. */
static bool name_of(int socket, struct sockaddr_in *name) {
    struct sockaddr_in6 wide;
    socklen_t size = sizeof wide;
    if (getsockname(socket, (struct sockaddr *)&wide, &size))
        return false;
    *name = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = wide.sin6_port};
    if (wide.sin6_family == AF_INET)
        memcpy(name, &wide, sizeof *name);
    else
        memcpy(&name->sin_addr, &wide.sin6_addr.s6_addr[12], sizeof name->sin_addr);
    return true;
}

static bool same(const struct sockaddr_in *a, const struct sockaddr_in *b) {
    return a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
}

/* What came out at the listener, if it is that socket: anybody can connect to a port. */
static int accept_only(int listener, int socket) {
    struct pollfd wait = {listener, POLLIN, 0};
    struct sockaddr_in name, from;
    if (!name_of(socket, &name))
        return -1;
    while (poll(&wait, 1, ACCEPT_MS) > 0) {
        socklen_t size = sizeof from;
        int near = accept4(listener, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (near < 0 && errno != ECONNABORTED)
            break;
        if (near >= 0 && same(&from, &name))
            return near;
        if (near >= 0)
            close(near);
    }
    errno = ECONNREFUSED;
    return -1;
}

int flow_socket_connect(int socket) {
    struct sockaddr_in address;
    int listener = new_socket();
    if (listener < 0 || !bind_anywhere(listener, &address) || listen(listener, 16))
        return keep_errno_close(listener);
    /* EINPROGRESS: somebody made it one that does not wait, just now. */
    int near = connect_to(socket, &address) && errno != EINPROGRESS ? -1 : accept_only(listener, socket);
    keep_errno_close(listener);
    return near;
}

/* Packets start with a time to live of 64, and this listener hears only those that have more (RFC 5082). */
static bool drop_everything(int listener) {
    int most = 255;
    return setsockopt(listener, IPPROTO_IP, IP_MINTTL, &most, sizeof most) == 0;
}

/* Both are bound before one listens: a port that is listened on is nobody else's any more. */
static bool set_trap(struct flow_trap *trap, struct sockaddr_in *address) {
    int on = 1;
    trap->listener = new_socket();
    trap->near = new_socket();
    return trap->listener >= 0 && trap->near >= 0 &&
           setsockopt(trap->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           setsockopt(trap->near, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 && drop_everything(trap->listener) &&
           bind_anywhere(trap->listener, address) &&
           bind(trap->near, (struct sockaddr *)address, sizeof *address) == 0 && listen(trap->listener, 1) == 0;
}

static void clear_trap(struct flow_trap *trap) {
    keep_errno_close(trap->listener);
    keep_errno_close(trap->near);
    trap->listener = trap->near = -1;
}

bool flow_socket_send_off(int socket, struct flow_trap *trap) {
    struct sockaddr_in address;
    bool sent = set_trap(trap, &address) && connect_to(socket, &address) && errno == EINPROGRESS;
    if (!sent)
        clear_trap(trap);
    return sent;
}

int flow_socket_meet(int socket, struct flow_trap *trap) {
    struct sockaddr_in name;
    int near = trap->near;
    if (!name_of(socket, &name) || (connect(near, (struct sockaddr *)&name, sizeof name) && errno != EINPROGRESS)) {
        clear_trap(trap);
        return -1;
    }
    trap->near = -1;
    clear_trap(trap);
    return near;
}

void flow_socket_drop(int socket, struct flow_trap *trap) {
    shutdown(socket, SHUT_RDWR);
    clear_trap(trap);
}
