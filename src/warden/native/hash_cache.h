/* The SHA-256 of programs, remembered for files that the sandbox cannot change. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Reads the whole file, which the sandbox may be able to write. False: it cannot be read, or there is more of it than
 * anybody should wait for. */
bool hash_file(int file, uint8_t digest[32]);
/* Whether that is why. */
bool hash_is_too_long(int file);
/* The same through the cache. Only for files that the sandbox cannot write: a shared mapping changes a file without
 * changing its times. */
bool hash_file_cached(int file, uint8_t digest[32]);
