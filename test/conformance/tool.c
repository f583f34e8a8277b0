/* What the cases need of programs, and not every image has: one job for each call. Answers are lines. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int fail(void) {
    puts(strerrorname_np(errno));
    return 1;
}

/* The arguments after the job's name, each with a NUL behind it. */
static int print_arguments(char **argv) {
    for (; *argv; argv++)
        fwrite(*argv, 1, strlen(*argv) + 1, stdout);
    return 0;
}

static struct sockaddr_in address_of(const char *host, const char *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
    inet_pton(AF_INET, host, &address.sin_addr);
    return address;
}

/* serve PORT TEXT: answers every connection to the loopback with the text. */
static int serve(char **argv) {
    struct sockaddr_in address = address_of("127.0.0.1", argv[0]);
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 8))
        return fail();
    puts("listening");
    fflush(stdout);
    for (;;) {
        int client = accept(fd, NULL, NULL);
        if (client < 0 || write(client, argv[1], strlen(argv[1])) < 0)
            return fail();
        close(client);
    }
}

/* ask HOST PORT: prints what the server there says. */
static int ask(char **argv) {
    struct sockaddr_in address = address_of(argv[0], argv[1]);
    char answer[256];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
        return fail();
    ssize_t size = read(fd, answer, sizeof answer - 1);
    if (size < 0)
        return fail();
    answer[size] = 0;
    puts(answer);
    return 0;
}

/* send HOST PORT: a datagram. */
static int send_datagram(char **argv) {
    struct sockaddr_in address = address_of(argv[0], argv[1]);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || sendto(fd, "x", 1, 0, (struct sockaddr *)&address, sizeof address) < 0)
        return fail();
    puts("sent");
    return 0;
}

/* receive PATH: binds a datagram socket there, and prints how many came once its input ends. */
static int receive(char **argv) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, argv[0], sizeof address.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0), count = 0;
    char byte;
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address))
        return fail();
    puts("bound");
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
    while (recv(fd, &byte, 1, MSG_DONTWAIT) >= 0)
        count++;
    printf("%d\n", count);
    return 0;
}

/* What the kernel says of this process. */
static int print_status(void) {
    char text[4096];
    FILE *file = fopen("/proc/self/status", "r");
    if (!file)
        return fail();
    fwrite(text, 1, fread(text, 1, sizeof text, file), stdout);
    return 0;
}

/* dig PATH DEPTH: folders in one another, deeper than any path. */
static int dig(char **argv) {
    const char *name = argv[0];
    for (int depth = atoi(argv[1]); depth > 0; depth--) {
        if (mkdir(name, 0755) || chdir(name))
            return fail();
        name = "dddddddd";
    }
    puts("dug");
    return 0;
}

/* Forks for ever, each child as well. */
_Noreturn static void fork_bomb(void) {
    for (;;)
        fork();
}

/* eat MEGABYTES: uses so much memory. */
static int eat(char **argv) {
    for (long left = atol(argv[0]); left > 0; left--) {
        char *megabyte = malloc(1 << 20);
        if (!megabyte)
            return fail();
        memset(megabyte, 'x', 1 << 20);
    }
    puts("eaten");
    return 0;
}

int main(int argc, char **argv) {
    const char *job = argc > 1 ? argv[1] : "";
    if (!strcmp(job, "arguments")) return print_arguments(argv + 2);
    if (!strcmp(job, "serve") && argc == 4) return serve(argv + 2);
    if (!strcmp(job, "ask") && argc == 4) return ask(argv + 2);
    if (!strcmp(job, "send") && argc == 4) return send_datagram(argv + 2);
    if (!strcmp(job, "receive") && argc == 3) return receive(argv + 2);
    if (!strcmp(job, "status")) return print_status();
    if (!strcmp(job, "dig") && argc == 4) return dig(argv + 2);
    if (!strcmp(job, "fork-bomb")) fork_bomb();
    if (!strcmp(job, "eat") && argc == 3) return eat(argv + 2);
    fprintf(stderr, "no job of that name: %s\n", job);
    return 2;
}
