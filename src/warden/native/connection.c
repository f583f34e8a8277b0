#define _GNU_SOURCE
#include "connection.h"
#include "caller.h"
#include "flows.h"
#include "hashing.h"
#include "names.h"
#include "supervisor.h"
#include <string.h>
#include <sys/stat.h>
#include <signal.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    ANCESTORS = 8,
    /* A program that does not want to wait does so for a decision, but no longer. */
    PATIENCE_MS = 250,
    /* The host has deadlines of its own; this is for one that says nothing at all. */
    WAIT_MIN_MS = 10000,
    SHORT_ADDRESS = 24, /* struct sockaddr_in6 of RFC 2133 */
    CLOSED = 7,         /* TCP_CLOSE */
};

struct destination {
    enum { OWN, IPV4, IPV6, NOWHERE } kind;
    uint32_t address; /* host order */
    uint16_t port;
    char text[INET6_ADDRSTRLEN];
};

static bool option_is(int fd, int level, int option, int wanted) {
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(fd, level, option, &value, &size) == 0 && value == wanted;
}

/* What is connected already, or listens, the kernel answers without looking at the address. */
static bool is_unused_tcp(int fd) {
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    return option_is(fd, SOL_SOCKET, SO_TYPE, SOCK_STREAM) && option_is(fd, SOL_SOCKET, SO_PROTOCOL, IPPROTO_TCP) &&
           getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == CLOSED;
}

/* Loopback, "any", which means the same, and what nobody can connect to: multicast, class E, broadcast. */
static bool is_own(uint32_t address) { return address >> 24 == 127 || address == 0 || address >> 28 >= 14; }

static void read_ipv4(struct destination *d, uint32_t address) {
    d->address = ntohl(address);
    d->kind = is_own(d->address) ? OWN : IPV4;
    inet_ntop(AF_INET, &address, d->text, sizeof d->text);
}

/* These mean something on one link only, and there is none. */
static bool is_of_a_link(const struct in6_addr *address) {
    return IN6_IS_ADDR_LINKLOCAL(address) || IN6_IS_ADDR_MULTICAST(address);
}

static void read_ipv6(struct destination *d, const struct in6_addr *address) {
    uint32_t last;
    memcpy(&last, &address->s6_addr[12], sizeof last);
    if (IN6_IS_ADDR_V4MAPPED(address)) {
        read_ipv4(d, last);
    } else if (!IN6_IS_ADDR_LOOPBACK(address) && !IN6_IS_ADDR_UNSPECIFIED(address)) {
        d->kind = is_of_a_link(address) ? NOWHERE : IPV6;
        inet_ntop(AF_INET6, address, d->text, sizeof d->text);
    }
}

/* What the kernel would not understand is its own to refuse. */
static struct destination read_destination(int fd, const struct sockaddr_storage *address, socklen_t size) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    struct destination d = {.kind = OWN};
    if (size < sizeof *v4)
        return d;
    d.port = ntohs(v4->sin_port);
    if (address->ss_family == AF_INET && option_is(fd, SOL_SOCKET, SO_DOMAIN, AF_INET))
        read_ipv4(&d, v4->sin_addr.s_addr);
    else if (address->ss_family == AF_INET6 && size >= SHORT_ADDRESS)
        read_ipv6(&d, &v6->sin6_addr);
    return d;
}

/* ---- who connects ---- */

struct connector {
    struct hash_job job;
    uint32_t flow;
    pid_t process;
};

/* A descriptor and many megabytes of reading count for more than the memory. */
enum { CONNECTOR_WEIGHT = 64 * 1024 };

/* Nobody hooks on who has ended. */
static bool is_wanted(const struct hash_job *job) {
    const struct connector *c = job->of;
    return c->process > 0 && (kill(c->process, 0) == 0 || errno == EPERM);
}

/* What is at a path that the sandbox cannot write to, and at no other. */
static bool is_stable(const struct request *r, const char *binary, int file) {
    static const char deleted[] = " (deleted)";
    struct stat found;
    size_t size = strlen(binary), added = sizeof deleted - 1;
    return fstat(file, &found) == 0 && found.st_nlink == 1 && binary[0] == '/' && strncmp(binary, "/memfd:", 7) != 0 &&
           !(size > added && strcmp(binary + size - added, deleted) == 0) && !tables_writable(r->notice.tables, binary);
}

static void tell_hash(struct hash_job *job) {
    struct connector *c = job->of;
    flow_hashed(c->flow, job->known ? job->digest : NULL);
    close(job->file);
    free(c);
}

/* Has the caller's program hashed, if somebody wants to know: the flow waits for that. False: it need not wait. */
static bool begin_hash(const struct request *r, const char *binary) {
    char path[64];
    if (!(r->notice.tables->flags & POLICY_FLAG_HASH_CONNECTORS))
        return false;
    snprintf(path, sizeof path, "/proc/%d/exe", r->notice.tid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct connector *c = file < 0 || !notice_is_live(&r->notice) ? NULL : calloc(1, sizeof *c);
    bool begun = c;
    if (c) {
        c->flow = r->flow;
        c->job.waiter.stream = r->notice.stream;
        c->job.waiter.weight = CONNECTOR_WEIGHT;
        c->process = caller_process(&r->notice);
        c->job.file = file;
        c->job.stable = is_stable(r, binary, file);
        c->job.is_wanted = is_wanted;
        c->job.done = tell_hash;
        c->job.of = c;
        begun = hashing_take(&c->job);
    }
    if (!begun) {
        free(c);
        if (file >= 0)
            close(file);
    }
    return begun;
}

/* They inform: of many with long names the nearest are enough. */
enum { ANCESTOR_BYTES = 8192 };

static void ask(struct request *r, const char *host, uint16_t port) {
    char binary[PATH_MAX], parents[ANCESTORS][PATH_MAX];
    struct buffer ancestors = {0};
    caller_binary(&r->notice, binary);
    struct list above = {.count = (uint32_t)start_parents(&r->notice, parents, ANCESTORS)};
    uint32_t told = 0;
    while (told < above.count && ancestors.size + strlen(parents[told]) <= ANCESTOR_BYTES)
        buffer_bytes(&ancestors, slice_of(parents[told++]));
    above.count = told;
    above.raw = (struct slice){ancestors.data, ancestors.size};
    struct msg_flow message = {
        .port = port,
        .pid = (uint32_t)caller_process(&r->notice),
        .flags = r->waits ? 0 : FLOW_FLAG_NON_BLOCKING,
        .host = slice_of(host),
        .binary = slice_of(binary),
        .ancestors = above,
    };
    r->flow = flow_number();
    flow_ask(r->flow, r->question, r->waits, &message);
    if (!begin_hash(r, binary))
        flow_hashed(r->flow, NULL);
    buffer_free(&ancestors);
}

/* ---- once it is decided: in a worker ---- */

static void connect_waiting(struct request *r) {
    int near = flow_socket_connect(r->fd);
    if (near >= 0) {
        flow_connected(r->flow, near);
        r->flow = 0;
    } else {
        r->refusal = errno;
    }
    request_end(r, near < 0 ? -1 : 0);
}

static void send_off(struct request *r) {
    struct flow_trap trap;
    if (flow_socket_send_off(r->fd, &trap)) {
        flow_sent_off(r->flow, r->fd, trap);
        r->flow = 0;
        r->fd = -1;
        errno = EINPROGRESS;
    } else {
        r->refusal = errno;
    }
    request_end(r, -1);
}

static void perform(struct request *r) {
    if (r->waits)
        connect_waiting(r);
    else
        send_off(r);
}

static void perform_failure(struct request *r) {
    if (r->ruling.verdict == VERDICT_DENY)
        request_deny(r, r->ruling.reason, r->flags);
    else
        request_fail(r, r->flags);
}

void connection_fail(struct request *r, int error) {
    r->flags = error;
    r->perform = perform_failure;
    request_perform(r);
}

static void deny(struct request *r, uint8_t reason, int error) {
    r->ruling = (struct ruling){.verdict = VERDICT_DENY, .reason = reason};
    connection_fail(r, error);
}

void connection_expired(struct request *r, bool gone, int error) {
    if (gone)
        connection_fail(r, error);
    else if (!r->waits)
        request_perform(r);
    else
        deny(r, REASON_DEADLINE, ETIMEDOUT);
}

/* ---- */

bool connection_take(struct request *r, const struct sockaddr_storage *address, socklen_t size) {
    struct destination d = read_destination(r->fd, address, size);
    char name[NAME_BYTES];
    if (d.kind == OWN || !is_unused_tcp(r->fd))
        return false;
    bool named = d.kind == IPV4 && names_find(d.address, name);
    const char *host = named ? name : d.text;
    r->network = r->blocks = r->of_socket = true;
    r->action = ACTION_CONNECT;
    r->perform = perform;
    r->waits = !(fcntl(r->fd, F_GETFL) & O_NONBLOCK);
    snprintf(r->place.path, sizeof r->place.path, d.kind >= IPV6 ? "[%s]:%u" : "%s:%u", host, d.port);
    if (d.kind == NOWHERE) {
        /* As where there is no IPv6: clients try the next address. */
        deny(r, REASON_NO_IPV6, ENETUNREACH);
        return true;
    }
    if (d.kind == IPV4 && !named && names_own(d.address)) {
        deny(r, REASON_NO_NAME, EHOSTUNREACH);
        return true;
    }
    if (d.port == 0) {
        connection_fail(r, ECONNREFUSED);
        return true;
    }
    uint32_t patience = r->notice.tables->timeout_ms;
    if (patience < WAIT_MIN_MS)
        patience = WAIT_MIN_MS;
    r->question = flows_are_many() ? 0 : supervisor_ask(r->supervisor, r, r->waits ? patience : PATIENCE_MS);
    if (r->question)
        ask(r, host, d.port);
    else
        deny(r, REASON_CROWDED, EADDRNOTAVAIL);
    return true;
}
