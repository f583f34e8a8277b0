/* open_close CPU COUNT PATH: opens and closes a file so many times on one processor, and prints nanoseconds for one. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int open_close(const char *path, long count) {
    for (long i = 0; i < count; i++) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return -1;
        close(fd);
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 4)
        return 2;
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET((size_t)atoi(argv[1]), &cpus);
    long count = atol(argv[2]);
    if (sched_setaffinity(0, sizeof cpus, &cpus) || open_close(argv[3], count / 20)) {
        perror("open_close");
        return 1;
    }
    double from = seconds();
    if (open_close(argv[3], count))
        return 1;
    printf("%.1f\n", (seconds() - from) / (double)count * 1e9);
    return 0;
}
