/* A stream (tree_stream.h) as a tree. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* Makes the tree at `path`, with the directories above it. What is in the way is replaced, never written through, or an
 * error if `exclusive`. An entry that cannot be made is told on standard output, and ends it. False: the stream is torn or
 * malformed, with errno. */
bool tree_unpack(const char *path, bool exclusive);
