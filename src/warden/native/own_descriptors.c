#define _GNU_SOURCE
#include "own_descriptors.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_once_t opened = PTHREAD_ONCE_INIT;
static int directory = -1;

static void open_directory(void) { directory = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC); }

int own_descriptors(void) {
    pthread_once(&opened, open_directory);
    return directory;
}

const char *descriptor_name(int fd, char name[DESCRIPTOR_NAME]) {
    snprintf(name, DESCRIPTOR_NAME, "%d", fd);
    return name;
}

int reopen(int fd, int flags, mode_t mode) {
    char name[DESCRIPTOR_NAME];
    return openat(own_descriptors(), descriptor_name(fd, name), flags | O_CLOEXEC, mode);
}

int path_of(int fd, char path[PATH_MAX]) {
    char name[DESCRIPTOR_NAME];
    ssize_t size = readlinkat(own_descriptors(), descriptor_name(fd, name), path, PATH_MAX);
    if (size <= 0 || size == PATH_MAX)
        return size < 0 ? errno : size == 0 ? ENOENT : ENAMETOOLONG;
    path[size] = 0;
    return 0;
}

bool real_name(const char *path, char real[PATH_MAX]) {
    int fd = open(path, O_PATH | O_CLOEXEC);
    bool told = fd >= 0 && path_of(fd, real) == 0 && real[0] == '/';
    if (fd >= 0)
        close(fd);
    return told;
}
