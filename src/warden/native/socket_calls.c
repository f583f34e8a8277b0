/* connect and bind of unix sockets. Those of other families are judged by no rule, but not continued either: the caller
 * may put a unix socket in their place meanwhile. */
#define _GNU_SOURCE
#include "bound_sockets.h"
#include "calls.h"
#include "caller.h"
#include "connection.h"
#include "hands.h"
#include "request.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static bool keep_address(struct request *r, const void *address, socklen_t size) {
    r->bytes = malloc(size + 1);
    if (!r->bytes) {
        request_fail(r, ENOMEM);
        return false;
    }
    memcpy(r->bytes, address, size);
    r->bytes_size = size;
    return true;
}

static void perform_failure(struct request *r) { request_fail(r, r->flags); }

static void perform_by_kernel(struct request *r) {
    notice_continue(&r->notice);
    request_free(r);
}

/* In this network namespace there is nothing but the sandbox's own loopback, so what is in the caller's memory when the
 * kernel looks makes no difference; but a unix socket in its place would, where those are judged. */
static void leave_to_kernel(struct request *r) {
    if (r->notice.tables->mode != MODE_EMULATED)
        r->perform = perform_by_kernel;
    request_perform(r);
}

/* Whoever lets go of a socket last may have to wait for its data to be taken, as long as the caller liked (SO_LINGER).
 * The caller may have closed it by then: so it is slow workers, which are interrupted, that let go of these. */
static void take_other_family(struct request *r) {
    struct sockaddr_storage address = {0};
    int size = (int)r->notice.arguments[2];
    bool connects = r->notice.number == SYS_connect;
    r->blocks = r->of_socket = true;
    if (size < 0 || (size_t)size > sizeof address)
        r->flags = EINVAL;
    else if (!caller_bytes(&r->notice, r->notice.arguments[1], &address, (size_t)size))
        r->flags = errno;
    else if (connects && r->notice.tables->flags & POLICY_FLAG_DECIDE_NETWORK &&
             connection_take(r, &address, (socklen_t)size))
        return;
    else if (!(r->bytes = malloc((size_t)size + 1)))
        r->flags = ENOMEM;
    if (r->flags) {
        r->perform = perform_failure;
        request_perform(r);
        return;
    }
    memcpy(r->bytes, &address, (size_t)size);
    r->bytes_size = (size_t)size;
    leave_to_kernel(r);
}

/* Takes a copy of the caller's socket, and its address. False: it was answered, or is under way. */
static bool take_socket(struct request *r, struct sockaddr_un *address, socklen_t *size) {
    const uint64_t *a = r->notice.arguments;
    int family = 0;
    socklen_t family_size = sizeof family;
    r->fd = caller_descriptor(&r->notice, (int)a[0]);
    if (r->fd < 0 || getsockopt(r->fd, SOL_SOCKET, SO_DOMAIN, &family, &family_size)) {
        request_fail(r, errno);
        return false;
    }
    if (family != AF_UNIX) {
        take_other_family(r);
        return false;
    }
    if (r->notice.tables->mode != MODE_EMULATED) {
        /* No rule is about unix sockets then, for none of the host is in reach. */
        r->blocks = r->of_socket = true;
        leave_to_kernel(r);
        return false;
    }
    *size = (socklen_t)a[2];
    memset(address, 0, sizeof *address);
    if (a[2] < sizeof(sa_family_t) || a[2] > sizeof *address) {
        request_fail(r, EINVAL);
        return false;
    }
    if (caller_bytes(&r->notice, a[1], address, *size))
        return true;
    request_fail(r, errno);
    return false;
}

static void perform_connect(struct request *r) {
    int result, ignored;
    do
        result = connect(r->fd, r->bytes, (socklen_t)r->bytes_size);
    while (result && errno == EINTR && !hand_cancelled(&ignored));
    request_end(r, result);
}

/* The name is in the directory that was judged, by whatever path it is reached. */
static void perform_bind(struct request *r) {
    umask(r->umask);
    request_end(r, r->place.parent >= 0 && fchdir(r->place.parent)
                       ? -1
                       : bind(r->fd, r->bytes, (socklen_t)r->bytes_size));
}

static bool has_path(const struct sockaddr_un *address, socklen_t size) {
    return address->sun_family == AF_UNIX && size > offsetof(struct sockaddr_un, sun_path) && address->sun_path[0];
}

/* As request_find, for a path that was read already. */
static bool find_path(struct request *r, const struct sockaddr_un *address, unsigned flags) {
    char path[sizeof address->sun_path + 1] = {0};
    memcpy(path, address->sun_path, sizeof address->sun_path);
    int base = path[0] == '/' ? AT_FDCWD : caller_open(&r->notice, AT_FDCWD);
    int error = base == -1 ? errno : place_find(&r->notice, base, path, flags, 0, &r->place);
    if (base >= 0)
        close(base);
    if (error)
        request_fail(r, error);
    return error == 0;
}

void handle_connect(struct request *r) {
    struct sockaddr_un address;
    socklen_t size;
    r->blocks = r->of_socket = true;
    r->perform = perform_connect;
    if (!take_socket(r, &address, &size))
        return;
    if (!has_path(&address, size)) {
        /* An abstract name, or none: of this network namespace, which is the sandbox's own. */
        if (keep_address(r, &address, size))
            request_perform(r);
        return;
    }
    if (!find_path(r, &address, PLACE_FOLLOW))
        return;
    if (!S_ISSOCK(r->place.status.st_mode)) {
        request_fail(r, ECONNREFUSED);
        return;
    }
    r->action = ACTION_CONNECT;
    /* A socket of the host in a folder that it shares is a way out. */
    if (r->notice.tables->flags & POLICY_FLAG_LIVE_MOUNTS && !socket_was_bound_here(&r->place.status)) {
        request_deny(r, REASON_HOST_SOCKET, EACCES);
        return;
    }
    struct sockaddr_un object = {.sun_family = AF_UNIX};
    int length = snprintf(object.sun_path, sizeof object.sun_path, "/proc/self/fd/%d", r->place.object);
    if (keep_address(r, &object, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length + 1)))
        request_decide(r);
}

void handle_bind(struct request *r) {
    struct sockaddr_un address;
    socklen_t size;
    r->perform = perform_bind;
    if (!take_socket(r, &address, &size))
        return;
    if (!has_path(&address, size)) {
        if (keep_address(r, &address, size))
            request_perform(r);
        return;
    }
    if (!find_path(r, &address, PLACE_PARENT | PLACE_MAKE))
        return;
    if (r->place.object >= 0 || r->place.parent < 0 || r->place.slash) {
        request_fail(r, r->place.object >= 0 || r->place.parent < 0 ? EADDRINUSE : ENOENT);
        return;
    }
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t length = strlen(r->place.name);
    if (length >= sizeof name.sun_path) {
        request_fail(r, ENAMETOOLONG);
        return;
    }
    memcpy(name.sun_path, r->place.name, length);
    r->umask = caller_umask(&r->notice);
    r->action = ACTION_CREATE;
    if (keep_address(r, &name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1)))
        request_decide(r);
}
