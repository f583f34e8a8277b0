/* A TCP server of the sandbox: server ADDRESS PORT JOB [ARGUMENT]. Says "listening", serves each client in a process of its
 * own, and says how each ended. The job "stuck" never accepts. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char bytes[65536];

static void say(const char *format, long value) {
    char line[64];
    int size = snprintf(line, sizeof line, format, value);
    (void)!write(1, line, (size_t)size);
}

static int write_all(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t count = send(fd, data, size, MSG_NOSIGNAL);
        if (count < 0)
            return -1;
        data += count;
        size -= (size_t)count;
    }
    return 0;
}

/* Reads to the end: how many bytes, or minus the errno. */
static long drain(int fd) {
    long total = 0;
    for (;;) {
        ssize_t count = read(fd, bytes, sizeof bytes);
        if (count < 0)
            return -errno;
        if (count == 0)
            return total;
        total += count;
    }
}

/* Sends back what comes, and its end. */
static void echo(int fd, const char *argument) {
    (void)argument;
    ssize_t count;
    while ((count = read(fd, bytes, sizeof bytes)) > 0)
        if (write_all(fd, bytes, (size_t)count))
            break;
    say(count < 0 ? "broken %ld\n" : "ended %ld\n", count < 0 ? errno : 0);
}

/* Answers with the number of bytes that came, once they have ended. */
static void tally(int fd, const char *argument) {
    (void)argument;
    long total = drain(fd);
    char line[32];
    int size = snprintf(line, sizeof line, "%ld\n", total);
    write_all(fd, line, (size_t)size);
    say("tallied %ld\n", total);
}

/* Says good-bye first, ends its half, and then listens. */
static void bye(int fd, const char *argument) {
    (void)argument;
    write_all(fd, "bye\n", 4);
    shutdown(fd, SHUT_WR);
    say("heard %ld\n", drain(fd));
}

/* Sends so many bytes without end in sight, and says how many went out before nobody took them. */
static void pour(int fd, const char *argument) {
    long total = 0;
    memset(bytes, 'x', sizeof bytes);
    for (long left = atol(argument); left > 0;) {
        size_t size = left < (long)sizeof bytes ? (size_t)left : sizeof bytes;
        ssize_t count = send(fd, bytes, size, MSG_NOSIGNAL);
        if (count < 0)
            break;
        total += count;
        left -= count;
    }
    say("poured %ld\n", total);
}

/* Breaks the connection after the first bytes. */
static void reset(int fd, const char *argument) {
    (void)argument;
    (void)!read(fd, bytes, sizeof bytes);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
}

/* Keeps the connection, and says when it ends. */
static void hold(int fd, const char *argument) {
    (void)argument;
    say("holding %ld\n", 0);
    say("released %ld\n", drain(fd));
}

/* Reads the head of a request, and answers with a file, whatever is in it. Then it reads to the end, for
 * closing a socket with unread bytes breaks the connection. */
static void answer(int fd, const char *argument) {
    size_t size = 0;
    while (size < sizeof bytes - 1 && !memmem(bytes, size, "\r\n\r\n", 4)) {
        ssize_t count = read(fd, bytes + size, sizeof bytes - 1 - size);
        if (count <= 0)
            return;
        size += (size_t)count;
    }
    (void)!write(1, bytes, size);
    int file = open(argument, O_RDONLY);
    static char part[65536];
    ssize_t count;
    while (file >= 0 && (count = read(file, part, sizeof part)) > 0)
        if (write_all(fd, part, (size_t)count))
            return;
    shutdown(fd, SHUT_WR);
    drain(fd);
}

static int listen_at(const char *address, uint16_t port, int backlog) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } name = {0};
    socklen_t size = sizeof name.v4;
    if (inet_pton(AF_INET, address, &name.v4.sin_addr) == 1) {
        name.v4.sin_family = AF_INET;
        name.v4.sin_port = htons(port);
    } else if (inet_pton(AF_INET6, address, &name.v6.sin6_addr) == 1) {
        name.v6.sin6_family = AF_INET6;
        name.v6.sin6_port = htons(port);
        size = sizeof name.v6;
    }
    int fd = socket(name.any.sa_family, SOCK_STREAM, 0);
    if (name.any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    return bind(fd, &name.any, size) || listen(fd, backlog) ? -1 : fd;
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*serve)(int fd, const char *argument);
    } jobs[] = {{"echo", echo},   {"tally", tally}, {"bye", bye},       {"pour", pour},
                {"reset", reset}, {"hold", hold},   {"answer", answer}, {"stuck", NULL}};
    size_t job = 0;
    while (argc > 3 && job < sizeof jobs / sizeof *jobs && strcmp(jobs[job].name, argv[3]))
        job++;
    if (argc < 4 || job == sizeof jobs / sizeof *jobs) {
        fputs("usage: server ADDRESS PORT JOB [ARGUMENT]\n", stderr);
        return 2;
    }
    signal(SIGCHLD, SIG_IGN);
    int fd = listen_at(argv[1], (uint16_t)atoi(argv[2]), jobs[job].serve ? 1024 : 0);
    if (fd < 0) {
        say("failed %ld\n", errno);
        return 1;
    }
    say("listening %ld\n", atol(argv[2]));
    for (;;) {
        if (!jobs[job].serve) {
            pause();
            continue;
        }
        int client = accept(fd, NULL, NULL);
        if (client >= 0 && fork() == 0) {
            jobs[job].serve(client, argc > 4 ? argv[4] : "");
            _exit(0);
        }
        close(client);
    }
}
