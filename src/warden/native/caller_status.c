#define _GNU_SOURCE
#include "caller_status.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool status_read(pid_t tid, char text[STATUS_BYTES]) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, text, STATUS_BYTES - 1);
    close(fd);
    text[size > 0 ? size : 0] = 0;
    return size > 0;
}

long status_number(const char *text, const char *label, int base) {
    const char *line = strstr(text, label);
    return line ? strtol(line + strlen(label), NULL, base) : -1;
}
