#define _GNU_SOURCE
#include "bound_sockets.h"
#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

/* A look at more sockets than that would hold up all others. */
enum { SOCKETS_MAX = 65536, BUFFER_BYTES = 32 * 1024 };

/* What is looked for: the file that a socket is bound to, or the socket itself. */
struct wanted {
    uint32_t inode, device, socket;
};

static bool ask(int netlink) {
    struct {
        struct nlmsghdr header;
        struct unix_diag_req body;
    } request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.sdiag_family = AF_UNIX, .udiag_states = ~0U, .udiag_show = UDIAG_SHOW_VFS},
    };
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    return sendto(netlink, &request, sizeof request, 0, (struct sockaddr *)&kernel, sizeof kernel) ==
           (ssize_t)sizeof request;
}

static bool is_wanted(const struct nlmsghdr *header, const struct wanted *wanted) {
    if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct unix_diag_msg)))
        return false;
    const struct unix_diag_msg *socket = NLMSG_DATA(header);
    if (wanted->socket)
        return socket->udiag_ino == wanted->socket;
    const uint8_t *at = (const uint8_t *)(socket + 1), *end = (const uint8_t *)header + header->nlmsg_len;
    while ((size_t)(end - at) >= sizeof(struct nlattr)) {
        struct nlattr attribute;
        struct unix_diag_vfs file;
        memcpy(&attribute, at, sizeof attribute);
        size_t size = attribute.nla_len, left = (size_t)(end - at), aligned = (size + 3) & ~(size_t)3;
        if (size < sizeof attribute || size > left)
            return false;
        if (attribute.nla_type == UNIX_DIAG_VFS && size >= sizeof attribute + sizeof file) {
            memcpy(&file, at + sizeof attribute, sizeof file);
            return file.udiag_vfs_ino == wanted->inode && file.udiag_vfs_dev == wanted->device;
        }
        at += aligned < left ? aligned : left;
    }
    return false;
}

enum look { FOUND, NOT_YET, NOT_THERE };

static enum look look_through(const uint8_t *at, size_t left, const struct wanted *wanted, size_t *seen) {
    while (left >= sizeof(struct nlmsghdr)) {
        const struct nlmsghdr *header = (const void *)at;
        size_t size = NLMSG_ALIGN(header->nlmsg_len);
        if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY || header->nlmsg_len < NLMSG_HDRLEN ||
            header->nlmsg_len > left || ++*seen > SOCKETS_MAX)
            return NOT_THERE;
        if (is_wanted(header, wanted))
            return FOUND;
        at += size < left ? size : left;
        left -= size < left ? size : left;
    }
    return NOT_YET;
}

static bool look(int netlink, const struct wanted *wanted) {
    union {
        struct nlmsghdr aligned;
        uint8_t bytes[BUFFER_BYTES];
    } buffer;
    enum look found = NOT_YET;
    for (size_t seen = 0; found == NOT_YET;) {
        struct sockaddr_nl sender = {0};
        socklen_t sender_size = sizeof sender;
        ssize_t size = recvfrom(netlink, &buffer, sizeof buffer, 0, (struct sockaddr *)&sender, &sender_size);
        if ((size < 0 && errno == EINTR) || (size >= 0 && sender.nl_pid != 0 /* not the kernel */))
            continue;
        found = size > 0 ? look_through(buffer.bytes, (size_t)size, wanted, &seen) : NOT_THERE;
    }
    return found == FOUND;
}

static bool is_there(const struct wanted *wanted) {
    int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (netlink < 0)
        return false;
    bool found = ask(netlink) && look(netlink, wanted);
    close(netlink);
    return found;
}

bool socket_was_bound_here(const struct stat *socket) {
    /* As the kernel itself keeps the numbers: 32 bits of one, and the other with twenty bits for the minor. */
    struct wanted wanted = {
        .inode = (uint32_t)socket->st_ino,
        .device = (uint32_t)(major(socket->st_dev) << 20 | minor(socket->st_dev)),
    };
    return S_ISSOCK(socket->st_mode) && is_there(&wanted);
}

bool bound_sockets_work(void) {
    struct stat status;
    /* One of ours, with a name of the kernel's choice. */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int ours = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool work = ours >= 0 && bind(ours, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path)) == 0 &&
                fstat(ours, &status) == 0 && is_there(&(struct wanted){.socket = (uint32_t)status.st_ino});
    if (ours >= 0)
        close(ours);
    return work;
}
