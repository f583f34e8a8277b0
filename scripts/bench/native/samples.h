/* What the small programs that measure inside share: one processor, a clock, and the middle of many samples. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline uint64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* Stays on the processor of that number; "any" changes nothing. */
static inline int stay_on(const char *processor) {
    if (strcmp(processor, "any") == 0)
        return 0;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)atoi(processor), &set);
    return sched_setaffinity(0, sizeof set, &set);
}

static inline int by_size(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Does something so many times, after a few that do not count, and prints the median of what one took, in nanoseconds. */
static inline int print_median(int (*once)(const char *), const char *path, long count) {
    uint64_t *samples = count < 1 ? NULL : calloc((size_t)count, sizeof *samples);
    if (!samples)
        return -1;
    for (long i = -count / 20 - 1; i < count; i++) {
        uint64_t from = nanoseconds();
        if (once(path))
            return -1;
        if (i >= 0)
            samples[i] = nanoseconds() - from;
    }
    qsort(samples, (size_t)count, sizeof *samples, by_size);
    return printf("%llu\n", (unsigned long long)samples[count / 2]) < 0;
}

/* PROCESSOR COUNT PATH */
static inline int measure(int argc, char **argv, int (*once)(const char *)) {
    if (argc != 4)
        return 2;
    if (stay_on(argv[1]) || print_median(once, argv[3], atol(argv[2]))) {
        perror(argv[0]);
        return 1;
    }
    return 0;
}
