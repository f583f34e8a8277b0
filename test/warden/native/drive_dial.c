/* Dials as the warden does, in a network of its own: drive_dial PORT [own], with one port for near ends. Says how it came
 * out for a plain connect, and for dial(). */
#define _GNU_SOURCE
#include "dial.h"
#include "link.h"
#include "loop.h"
#include "own_ports.h"
#include "relay.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *heard = "nothing";

void link_send(uint8_t type, uint8_t channel, uint32_t stream, struct slice payload) {
    (void)channel, (void)stream, (void)payload;
    if (type == FRAME_CONNECTED)
        heard = "connected";
}

void relay_open(uint32_t stream, int fd) {
    (void)stream;
    close(fd);
}

void relay_refuse(uint32_t stream, int error) {
    (void)stream;
    heard = strerrorname_np(error);
}

static void put(const char *path, const char *text) {
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, text, strlen(text)) < 0) {
        perror(path);
        exit(1);
    }
    close(fd);
}

static void own_network(const char *port) {
    uid_t user = geteuid();
    char line[64];
    if (unshare(user == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET)) {
        perror("unshare");
        exit(1);
    }
    if (user != 0) {
        snprintf(line, sizeof line, "0 %u 1", user);
        put("/proc/self/uid_map", line);
    }
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_LOOPBACK};
    if (ioctl(fd, SIOCSIFFLAGS, &request)) {
        perror("lo");
        exit(1);
    }
    close(fd);
    snprintf(line, sizeof line, "%s %s", port, port);
    put("/proc/sys/net/ipv4/ip_local_port_range", line);
}

static const char *plainly(uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    const char *result = connect(fd, (struct sockaddr *)&address, sizeof address) ? strerrorname_np(errno) : "connected";
    struct linger at_once = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
    return result;
}

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    own_network(argv[1]);
    uint16_t port = (uint16_t)atoi(argv[1]);
    const char *plain = plainly(port);
    if (argc > 2)
        own_ports_add(port);
    loop_init();
    struct msg_dial request = {port};
    dial(1, &request);
    while (!strcmp(heard, "nothing"))
        loop_turn(-1);
    printf("%s %s\n", plain, heard);
    return 0;
}
