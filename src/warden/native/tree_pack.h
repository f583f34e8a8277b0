/* A tree as a stream (tree_stream.h). */
#pragma once
#include <stdbool.h>

/* Writes the tree at `path`, which must be a directory and is not followed as a link. What cannot be read is passed over,
 * and said. False: the top cannot be read, or nothing takes the stream, with errno. */
bool tree_pack(const char *path);
