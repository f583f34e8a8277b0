#define _GNU_SOURCE
#include "own_terminal.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

bool is_own_terminal_name(const struct stat *s) { return S_ISCHR(s->st_mode) && s->st_rdev == makedev(5, 0); }

bool find_own_terminal(const struct notice *notice, struct place *place) {
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/stat", notice->tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
    if (fd >= 0)
        close(fd);
    if (size <= 0)
        return false;
    line[size] = 0;
    const char *after = strrchr(line, ')');
    int device = 0;
    if (!after || sscanf(after + 1, " %*c %*d %*d %*d %d", &device) != 1 || device == 0)
        return false;
    unsigned number = ((unsigned)device & 0xff) | (((unsigned)device >> 12) & 0xfff00);
    snprintf(path, sizeof path, "/dev/pts/%u", number);
    int terminal = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat found;
    unsigned major_number = ((unsigned)device >> 8) & 0xfff;
    if (terminal < 0 || fstat(terminal, &found) || !S_ISCHR(found.st_mode) ||
        found.st_rdev != makedev(major_number, number)) {
        if (terminal >= 0)
            close(terminal);
        return false;
    }
    close(place->object);
    place->object = terminal;
    place->status = found;
    return true;
}
