#define _GNU_SOURCE
#include "scratch.h"
#include "file_tree.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Hostile trees are deeper than any stack or descriptor table. So nothing is walked: a directory that is not empty is
 * moved up beside the others and emptied there. */
static void empty(int top, const char *name, unsigned long *moved) {
    tree_unlock(top, name);
    DIR *directory = tree_open(top, name);
    if (!directory)
        return;
    int fd = dirfd(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (tree_is_dots(entry->d_name) || unlinkat(fd, entry->d_name, 0) == 0)
            continue;
        if (unlinkat(fd, entry->d_name, AT_REMOVEDIR) == 0)
            continue;
        char unique[64];
        snprintf(unique, sizeof unique, ".cofferdam-removed-%lu", (*moved)++);
        tree_unlock(fd, entry->d_name);
        renameat(fd, entry->d_name, top, unique);
    }
    closedir(directory);
}

static void empty_all(DIR *top, unsigned long *moved) {
    rewinddir(top);
    for (struct dirent *entry; (entry = readdir(top));) {
        if (tree_is_dots(entry->d_name) || unlinkat(dirfd(top), entry->d_name, 0) == 0)
            continue;
        empty(dirfd(top), entry->d_name, moved);
        unlinkat(dirfd(top), entry->d_name, AT_REMOVEDIR);
    }
}

void scratch_remove(const char *path) {
    DIR *top = tree_open(AT_FDCWD, path);
    if (!top)
        return;
    unsigned long moved = 0, before;
    /* Directories that were moved up while the top was read may be seen only in the next pass. */
    do {
        before = moved;
        empty_all(top, &moved);
    } while (moved != before);
    /* A pass without a move leaves at most what was moved up during the one before it. */
    empty_all(top, &moved);
    closedir(top);
    rmdir(path);
}
