/* A look at a whole tree, for the host's review: one record (protocol: `scanned`) for each entry, parents first. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct scan_options {
    uint64_t since_ms;   /* files whose inode changed after this are hashed; 0: all */
    uint64_t file_bytes; /* longer ones are not */
};

/* Writes the records of `path`, which names an entry of the current directory, to `out`. `prefix` is what their paths begin
 * with: the host's name of the entry. No link is followed. False: errno says why. */
bool scan_tree(const char *path, const char *prefix, const struct scan_options *options, int out);
