/* What changes in a directory, as records (protocol.ts, change) on standard output. */
#pragma once
#include <stdbool.h>

/* Says `ready`, and then every change until nobody reads or the directory is gone. Directories that cannot be opened are
 * not watched. Whoever reads too slowly is told that changes were lost. False: it cannot be watched, with errno. */
bool tree_watch(const char *path, bool recursive);
