/* The SHA-256 of programs, remembered for files that the sandbox cannot change. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Whether to read on; asked now and then. */
struct patience {
    bool (*left)(const void *of);
    const void *of;
};

/* Reads the whole file, which the sandbox may be able to write. False: it cannot be read, there is more of it than
 * anybody should wait for, or no patience is left (NULL: there is no end of it). */
bool hash_file(int file, uint8_t digest[32], const struct patience *patience);
/* Whether it is of a length that is not read. */
bool hash_is_too_long(int file);
/* The same through the cache. Only for files that the sandbox cannot write: a shared mapping changes a file without
 * changing its times. */
bool hash_file_cached(int file, uint8_t digest[32], const struct patience *patience);
/* What is remembered of such a file, without reading it. */
bool hash_recall(int file, uint8_t digest[32]);
