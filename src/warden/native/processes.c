#define _GNU_SOURCE
#include "processes.h"
#include "die.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool processes_parse(const char *name, const char *line, struct process *p) {
    /* The name of a process is its own choice and may hold anything but the last parenthesis of the line. */
    const char *after = strrchr(line, ')');
    char state;
    int parent;
    if (!after || sscanf(after + 1, " %c %d", &state, &parent) != 2)
        return false;
    *p = (struct process){atoi(name), parent, state == 'Z' || state == 'X'};
    return true;
}

static bool read_stat(const char *name, struct process *p) {
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%.20s/stat", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, line, sizeof line - 1);
    close(fd);
    if (size <= 0)
        return false;
    line[size] = 0;
    return processes_parse(name, line, p);
}

static int by_pid(const void *a, const void *b) {
    const struct process *left = a, *right = b;
    return (left->pid > right->pid) - (left->pid < right->pid);
}

struct processes processes_look(void) {
    struct processes all = {0};
    size_t capacity = 0;
    DIR *directory = opendir("/proc");
    if (!directory)
        die_errno("cannot list processes");
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        if (all.count == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            all.list = realloc(all.list, capacity * sizeof *all.list);
            if (!all.list)
                die("out of memory");
        }
        if (read_stat(entry->d_name, &all.list[all.count]))
            all.count++;
    }
    closedir(directory);
    if (all.count > 0)
        qsort(all.list, all.count, sizeof *all.list, by_pid);
    return all;
}

const struct process *processes_find(const struct processes *all, pid_t pid) {
    struct process key = {.pid = pid};
    return all->count ? bsearch(&key, all->list, all->count, sizeof key, by_pid) : NULL;
}

void processes_free(struct processes *all) {
    free(all->list);
    *all = (struct processes){0};
}

long processes_newest(void) {
    char line[128];
    long newest = 0;
    int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
    if (fd >= 0)
        close(fd);
    if (size > 0) {
        line[size] = 0;
        const char *last = strrchr(line, ' ');
        newest = last ? atol(last + 1) : 0;
    }
    return newest;
}
