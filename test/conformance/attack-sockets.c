/* Attacks through sockets: families and protocols that a rule about TCP would not see. */
#define _GNU_SOURCE
#include "attack.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKET_ATTACK(name, family, type, protocol)                                                                    \
    static long name(const char *path, const char *other) {                                                            \
        (void)path, (void)other;                                                                                       \
        return socket(family, type, protocol);                                                                         \
    }

SOCKET_ATTACK(vsock, AF_VSOCK, SOCK_STREAM, 0)
SOCKET_ATTACK(crypto, AF_ALG, SOCK_SEQPACKET, 0)
SOCKET_ATTACK(packet, AF_PACKET, SOCK_RAW, 0)
SOCKET_ATTACK(raw, AF_INET, SOCK_RAW, IPPROTO_ICMP)
SOCKET_ATTACK(raw6, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6)
SOCKET_ATTACK(mptcp, AF_INET, SOCK_STREAM, 262)
SOCKET_ATTACK(sctp, AF_INET, SOCK_STREAM, IPPROTO_SCTP)
SOCKET_ATTACK(udplite, AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE)
SOCKET_ATTACK(bluetooth, AF_BLUETOOTH, SOCK_RAW, 0)
SOCKET_ATTACK(tipc, AF_TIPC, SOCK_RDM, 0)
SOCKET_ATTACK(xdp, AF_XDP, SOCK_RAW, 0)
SOCKET_ATTACK(netlink_audit, AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)
SOCKET_ATTACK(netlink_diagnosis, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG)
SOCKET_ATTACK(netlink_filter, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)
SOCKET_ATTACK(netlink_generic, AF_NETLINK, SOCK_RAW, NETLINK_GENERIC)
SOCKET_ATTACK(netlink_events, AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT)
SOCKET_ATTACK(netlink_route, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
SOCKET_ATTACK(tcp, AF_INET, SOCK_STREAM, 0)
SOCKET_ATTACK(tcp_named, AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP)
SOCKET_ATTACK(udp, AF_INET, SOCK_DGRAM, IPPROTO_UDP)
SOCKET_ATTACK(unix_stream, AF_UNIX, SOCK_STREAM, 0)

/* Whoever owns the network namespace lets its own group send pings first. */
static long ping(const char *path, const char *other) {
    (void)path, (void)other;
    int range = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY);
    if (range >= 0 && write(range, "0 0", 3) < 0)
        errno = 0;
    return socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
}

/* A network namespace of one's own begins with its loopback down. */
static void bring_loopback_up(void) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    ioctl(fd, SIOCSIFFLAGS, &request);
    close(fd);
}

static const struct sockaddr_in NOBODY = {.sin_family = AF_INET, .sin_port = 0x0900, .sin_addr.s_addr = 0x0100007f};

/* Refused by the peer: it did connect. */
static long connected(long result) { return result >= 0 || errno == ECONNREFUSED || errno == EINPROGRESS ? 0 : -1; }

static long fast_open(const char *path, const char *other) {
    (void)path, (void)other;
    bring_loopback_up();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return connected(sendto(fd, "x", 1, MSG_FASTOPEN, (const struct sockaddr *)&NOBODY, sizeof NOBODY));
}

static long fast_open_message(const char *path, const char *other) {
    (void)path, (void)other;
    bring_loopback_up();
    struct iovec data = {"x", 1};
    struct msghdr message = {.msg_name = (void *)&NOBODY, .msg_namelen = sizeof NOBODY, .msg_iov = &data, .msg_iovlen = 1};
    return connected(sendmsg(socket(AF_INET, SOCK_STREAM, 0), &message, MSG_FASTOPEN));
}

static long fast_open_messages(const char *path, const char *other) {
    (void)path, (void)other;
    bring_loopback_up();
    struct iovec data = {"x", 1};
    struct mmsghdr message = {
        .msg_hdr = {.msg_name = (void *)&NOBODY, .msg_namelen = sizeof NOBODY, .msg_iov = &data, .msg_iovlen = 1}};
    return connected(sendmmsg(socket(AF_INET, SOCK_STREAM, 0), &message, 1, MSG_FASTOPEN));
}

/* A socket that takes its time to be closed, for its data was not taken: whoever lets go of it last waits for an hour. One
 * that ends does not, so that it is whoever looked at the socket for it. */
static void leave_lingering(const struct sockaddr_in *to) {
    const struct linger hour = {1, 3600};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char zeros[4096] = {0};
    if (connect(fd, (const struct sockaddr *)to, sizeof *to))
        return;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hour, sizeof hour);
    while (send(fd, zeros, sizeof zeros, MSG_DONTWAIT) > 0)
        continue;
    bind(fd, (const struct sockaddr *)&NOBODY, sizeof NOBODY);
    connect(fd, (const struct sockaddr *)16, sizeof NOBODY);
}

static long lingering(const char *path, const char *other) {
    (void)path, (void)other;
    int small = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = NOBODY.sin_addr.s_addr};
    socklen_t size = sizeof address;
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 128) ||
        getsockname(listener, (struct sockaddr *)&address, &size))
        return -1;
    for (int i = 0; i < 16; i++)
        if (fork() == 0) {
            leave_lingering(&address);
            _exit(0);
        }
    while (wait(NULL) > 0)
        continue;
    if (write(1, "left\n", 5) < 0)
        return -1;
    pause();
    return 0;
}

const struct attack socket_attacks[] = {
    {"vsock", vsock},
    {"alg", crypto},
    {"packet", packet},
    {"raw", raw},
    {"raw6", raw6},
    {"ping", ping},
    {"mptcp", mptcp},
    {"sctp", sctp},
    {"udplite", udplite},
    {"bluetooth", bluetooth},
    {"tipc", tipc},
    {"xdp", xdp},
    {"netlink-audit", netlink_audit},
    {"netlink-diagnosis", netlink_diagnosis},
    {"netlink-filter", netlink_filter},
    {"netlink-generic", netlink_generic},
    {"netlink-events", netlink_events},
    {"netlink-route", netlink_route},
    {"tcp", tcp},
    {"tcp-named", tcp_named},
    {"udp", udp},
    {"unix", unix_stream},
    {"fastopen", fast_open},
    {"fastopen-message", fast_open_message},
    {"fastopen-messages", fast_open_messages},
    {"lingering", lingering},
    {0},
};
