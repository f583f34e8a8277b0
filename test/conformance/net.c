/* What the cases about connections need of a program: one job for each call. Answers are lines. */
#define _GNU_SOURCE
#include "net.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_MS = 15000 };

static const char *error_name(int error) { return error ? strerrorname_np(error) : "connected"; }

/* ---- connections ---- */

static int await(int fd) {
    struct pollfd wait = {fd, POLLOUT, 0};
    int error = 0;
    socklen_t size = sizeof error;
    if (poll(&wait, 1, WAIT_MS) != 1)
        return ETIME;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

/* How: blocking, nonblocking or mapped. Returns the errno. */
static int connect_as(const char *how, struct in_addr address, int port, int *fd) {
    bool waits = strcmp(how, "nonblocking") != 0, mapped = strcmp(how, "mapped") == 0;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = address};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = v4.sin_port};
    v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
    memcpy(&v6.sin6_addr.s6_addr[12], &address, 4);
    *fd = socket(mapped ? AF_INET6 : AF_INET, SOCK_STREAM | (waits ? 0 : SOCK_NONBLOCK), 0);
    int result = mapped ? connect(*fd, (struct sockaddr *)&v6, sizeof v6) : connect(*fd, (struct sockaddr *)&v4, sizeof v4);
    if (result == 0)
        return 0;
    return errno == EINPROGRESS ? await(*fd) : errno;
}

/* connect HOW HOST PORT */
static void job_connect(char **a) {
    int fd;
    printf("%s\n", error_name(connect_as(a[0], address_of(a[1]), atoi(a[2]), &fd)));
}

/* again HOST PORT: what a second and a third connect() of a socket that does not wait say. */
static void job_again(char **a) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(a[1])), .sin_addr = address_of(a[0])};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int first = connect(fd, (struct sockaddr *)&to, sizeof to) ? errno : 0;
    int pending = await(fd);
    int second = connect(fd, (struct sockaddr *)&to, sizeof to) ? errno : 0;
    int third = connect(fd, (struct sockaddr *)&to, sizeof to) ? errno : 0;
    printf("%s %s %s %s\n", error_name(first), error_name(pending), error_name(second), error_name(third));
}

/* connect6 HOW ADDRESS PORT: blocking, nonblocking, or only, a socket for IPv6 alone. */
static void job_connect6(char **a) {
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(a[2]))};
    int only = strcmp(a[0], "only") == 0;
    inet_pton(AF_INET6, a[1], &to.sin6_addr);
    int fd = socket(AF_INET6, SOCK_STREAM | (strcmp(a[0], "nonblocking") ? 0 : SOCK_NONBLOCK), 0);
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    int error = connect(fd, (struct sockaddr *)&to, sizeof to) ? errno : 0;
    printf("%s\n", error_name(error == EINPROGRESS ? await(fd) : error));
}

/* get HOST PORT PATH: the whole answer to a request without TLS. */
static void job_get(char **a) {
    char piece[4096];
    ssize_t got;
    int fd, error = connect_as("blocking", address_of(a[0]), atoi(a[1]), &fd);
    int size = snprintf(piece, sizeof piece, "GET %s HTTP/1.1\r\nHost: %s%s%s\r\nConnection: close\r\n\r\n", a[2], a[0],
                        strcmp(a[1], "80") ? ":" : "", strcmp(a[1], "80") ? a[1] : "");
    if (error)
        printf("%s\n", error_name(error));
    else
        send(fd, piece, (size_t)size, MSG_NOSIGNAL);
    while (!error && (got = recv(fd, piece, sizeof piece, 0)) > 0)
        fwrite(piece, 1, (size_t)got, stdout);
}

struct stream {
    int fd;
    size_t size;
};

static uint8_t byte_at(size_t at) { return (uint8_t)(at * 2654435761U >> 13); }

static void *send_all(void *argument) {
    struct stream *s = argument;
    uint8_t piece[65536];
    for (size_t at = 0; at < s->size;) {
        size_t count = s->size - at < sizeof piece ? s->size - at : sizeof piece;
        for (size_t i = 0; i < count; i++)
            piece[i] = byte_at(at + i);
        ssize_t sent = send(s->fd, piece, count, MSG_NOSIGNAL);
        if (sent <= 0)
            break;
        at += (size_t)sent;
    }
    shutdown(s->fd, SHUT_WR);
    return NULL;
}

/* echo HOST PORT BYTES: sends them, half-closes, and reads what comes back to the end. */
static void job_echo(char **a) {
    struct stream s = {-1, strtoul(a[2], NULL, 10)};
    uint8_t piece[65536];
    size_t at = 0, wrong = 0;
    ssize_t got;
    pthread_t sender;
    int error = connect_as("blocking", address_of(a[0]), atoi(a[1]), &s.fd);
    if (error)
        printf("%s ", error_name(error));
    pthread_create(&sender, NULL, send_all, &s);
    while ((got = recv(s.fd, piece, sizeof piece, 0)) > 0)
        for (ssize_t i = 0; i < got; i++)
            wrong += piece[i] != byte_at(at++);
    int end = got < 0 ? errno : 0;
    pthread_join(sender, NULL);
    printf("%zu %zu %s\n", at, wrong, end ? strerrorname_np(end) : "end");
}

/* reset HOST PORT: sends a word and resets. */
static void job_reset(char **a) {
    int fd;
    struct linger at_once = {1, 0};
    int error = connect_as("blocking", address_of(a[0]), atoi(a[1]), &fd);
    send(fd, "word", 4, 0);
    recv(fd, (char[4]){0}, 4, 0);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
    printf("%s\n", error_name(error));
}

/* hold HOST PORT: connects, says so, and reads to the end: "end" or an errno. */
static void job_hold(char **a) {
    int fd;
    char byte;
    printf("%s\n", error_name(connect_as("blocking", address_of(a[0]), atoi(a[1]), &fd)));
    fflush(stdout);
    ssize_t got = recv(fd, &byte, 1, 0);
    printf("%s\n", got == 0 ? "end" : got > 0 ? "byte" : strerrorname_np(errno));
}

/* deaf HOST PORT: connects with a socket that takes no packet of the loopback, for those have a time to live of 64. */
static void job_deaf(char **a) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(a[1])), .sin_addr = address_of(a[0])};
    int fd = socket(AF_INET, SOCK_STREAM, 0), most = 255;
    setsockopt(fd, IPPROTO_IP, IP_MINTTL, &most, sizeof most);
    printf("%s\n", error_name(connect(fd, (struct sockaddr *)&to, sizeof to) ? errno : 0));
}

/* many HOST PORT COUNT: so many connections at once; each gets its own byte back. */
static void job_many(char **a) {
    int count = atoi(a[2]), good = 0;
    struct in_addr address = address_of(a[0]);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(a[1])), .sin_addr = address};
    int *fds = calloc((size_t)count, sizeof *fds);
    for (int i = 0; i < count; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(fds[i], (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS)
            printf("%s ", strerrorname_np(errno));
    }
    for (int i = 0; i < count; i++) {
        uint8_t byte = (uint8_t)i, back = 0;
        struct pollfd wait = {fds[i], POLLIN, 0};
        bool sent = await(fds[i]) == 0 && send(fds[i], &byte, 1, MSG_NOSIGNAL) == 1;
        good += sent && poll(&wait, 1, WAIT_MS) == 1 && recv(fds[i], &back, 1, 0) == 1 && back == byte;
    }
    printf("%d\n", good);
}

/* serve PORT: a server of the sandbox, for one client, which it echoes. */
static void job_serve(char **a) {
    struct sockaddr_in at = loopback(atoi(a[0]));
    int fd = socket(AF_INET, SOCK_STREAM, 0), client;
    char text[64];
    puts(bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 1) ? strerrorname_np(errno) : "listening");
    fflush(stdout);
    client = accept(fd, NULL, NULL);
    ssize_t got = recv(client, text, sizeof text, 0);
    send(client, text, got > 0 ? (size_t)got : 0, 0);
}

/* ---- attacks ---- */

static atomic_bool over;
static atomic_uint forged;

/* Connects to whatever listens on the loopback, and says something there. */
static void *forge(void *unused) {
    (void)unused;
    while (!over) {
        FILE *table = fopen("/proc/net/tcp", "r");
        char line[256];
        unsigned port, state;
        while (table && fgets(line, sizeof line, table)) {
            if (sscanf(line, " %*d: 0100007F:%x %*x:%*x %x", &port, &state) != 2 || state != 10 || port == 53)
                continue;
            int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
            struct sockaddr_in to = loopback((int)port);
            connect(fd, (struct sockaddr *)&to, sizeof to);
            forged += send(fd, "forged", 6, MSG_NOSIGNAL) == 6;
            close(fd);
        }
        if (table)
            fclose(table);
    }
    return NULL;
}

/* forge HOST PORT TRIES: honest connections beside those: how many heard their own word. */
static void job_forge(char **a) {
    struct in_addr address = address_of(a[0]);
    pthread_t forger;
    int good = 0;
    pthread_create(&forger, NULL, forge, NULL);
    for (int i = 0; i < atoi(a[2]); i++) {
        int fd;
        char text[8] = {0};
        if (connect_as(i % 2 ? "blocking" : "nonblocking", address, atoi(a[1]), &fd) == 0) {
            struct pollfd wait = {fd, POLLIN, 0};
            send(fd, "honest", 6, MSG_NOSIGNAL);
            poll(&wait, 1, WAIT_MS);
            good += recv(fd, text, 6, MSG_WAITALL) == 6 && strcmp(text, "honest") == 0;
        }
        close(fd);
    }
    over = true;
    pthread_join(forger, NULL);
    printf("%d\n", good);
}

static struct sockaddr_in flipped;
static int flip_ports[2];

static void *flip(void *unused) {
    (void)unused;
    for (unsigned i = 0; !over; i++)
        *(volatile in_port_t *)&flipped.sin_port = htons((uint16_t)flip_ports[i % 2]);
    return NULL;
}

/* flip HOST ALLOWED DENIED TRIES: the port changes while connect() is told it: how many connected, and were refused. */
static void job_flip(char **a) {
    flipped = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = address_of(a[0])};
    flip_ports[0] = atoi(a[1]);
    flip_ports[1] = atoi(a[2]);
    pthread_t flipper;
    int made = 0, refused = 0;
    pthread_create(&flipper, NULL, flip, NULL);
    for (int i = 0; i < atoi(a[3]); i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        bool connected = connect(fd, (struct sockaddr *)&flipped, sizeof flipped) == 0;
        made += connected;
        refused += !connected && errno == ECONNREFUSED;
        close(fd);
    }
    over = true;
    pthread_join(flipper, NULL);
    printf("%d %d\n", made, refused);
}

/* udp HOST PORT */
static void job_udp(char **a) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(a[1])), .sin_addr = address_of(a[0])};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    printf("%s\n", sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to) == 1 ? "sent" : strerrorname_np(errno));
}

/* linger HOST PORT: leaves the warden with the last copy of a socket whose close() would wait for a day. */
static void job_linger(char **a) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(a[1])), .sin_addr = address_of(a[0])};
    struct sockaddr_in own = loopback(0);
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    struct linger day = {1, 86400};
    socklen_t size = sizeof own;
    static char filling[65536];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), listener = socket(AF_INET, SOCK_STREAM, 0);
    connect(fd, (struct sockaddr *)&to, sizeof to);
    connect(fd, &none, sizeof none);
    bind(listener, (struct sockaddr *)&own, sizeof own);
    listen(listener, 1);
    getsockname(listener, (struct sockaddr *)&own, &size);
    int error = connect(fd, (struct sockaddr *)&own, sizeof own) && errno != EINPROGRESS ? errno : await(fd);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &day, sizeof day);
    while (write(fd, filling, sizeof filling) > 0)
        ;
    close(fd);
    printf("%s\n", error_name(error));
    fflush(stdout);
    sleep(4);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        int arguments;
        void (*run)(char **);
    } jobs[] = {
        {"lookup", 3, job_lookup}, {"names", 1, job_names}, {"raw", 1, job_raw},     {"connect", 3, job_connect},
        {"again", 2, job_again},   {"echo", 3, job_echo},   {"reset", 2, job_reset}, {"connect6", 3, job_connect6},
        {"hold", 2, job_hold},     {"many", 3, job_many},   {"serve", 1, job_serve}, {"forge", 3, job_forge},
        {"flip", 4, job_flip},     {"udp", 2, job_udp},     {"get", 3, job_get},
        {"linger", 2, job_linger}, {"deaf", 2, job_deaf},
    };
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
        if (argc == jobs[i].arguments + 2 && strcmp(argv[1], jobs[i].name) == 0) {
            jobs[i].run(argv + 2);
            return 0;
        }
    return 2;
}
