#define _GNU_SOURCE
#include "caller.h"
#include "processes.h"
#include "start_judge.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* 0: it is not known. */
static pid_t parent_of(pid_t pid) {
    char path[64], name[24], line[512];
    struct process process;
    snprintf(name, sizeof name, "%d", pid);
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, line, sizeof line - 1);
    if (file >= 0)
        close(file);
    if (size <= 0)
        return 0;
    line[size] = 0;
    return processes_parse(name, line, &process) ? process.parent : 0;
}

size_t start_parents(const struct notice *notice, char (*parents)[PATH_MAX], size_t max) {
    size_t count = 0;
    pid_t pid = parent_of(caller_process(notice));
    /* A child of the warden is a shepherd, and no program of the command. */
    for (pid_t above; count < max && pid > 1 && (above = parent_of(pid)) > 1; pid = above) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/exe", pid);
        ssize_t size = readlink(path, parents[count], PATH_MAX - 1);
        parents[count++][size < 0 ? 0 : size] = 0;
    }
    return count;
}
