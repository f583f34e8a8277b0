#define _GNU_SOURCE
#include "file_tree.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool tree_is_dots(const char *name) { return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])); }

/* fchmodat() follows symlinks; a descriptor of the directory itself does not. */
bool tree_unlock(int directory, const char *name) {
    char path[32];
    int fd = openat(directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    bool unlocked = chmod(path, 0700) == 0;
    close(fd);
    return unlocked;
}

DIR *tree_open(int directory, const char *name) {
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    int fd = openat(directory, name, flags);
    if (fd < 0 && errno == EACCES && tree_unlock(directory, name))
        fd = openat(directory, name, flags);
    if (fd < 0)
        return NULL;
    DIR *opened = fdopendir(fd);
    if (!opened)
        close(fd);
    return opened;
}

/* The next entry of a directory that is emptied while it is read. */
static struct dirent *next_entry(DIR *directory) {
    struct dirent *entry;
    do {
        errno = 0;
        entry = readdir(directory);
    } while (entry && tree_is_dots(entry->d_name));
    return entry;
}

bool tree_remove(int directory, const char *name) {
    if (unlinkat(directory, name, 0) == 0)
        return true;
    if (errno != EISDIR && errno != EPERM && errno != EACCES)
        return false;
    int why = errno;
    /* Depth costs descriptors and stack: the limit of both ends a hostile depth with an error. */
    DIR *below = tree_open(directory, name);
    if (!below) {
        errno = errno == ENOTDIR ? why : errno;
        return false;
    }
    struct dirent *entry;
    bool done = true;
    while (done && (entry = next_entry(below)))
        if (!tree_remove(dirfd(below), entry->d_name)) {
            if (errno == EACCES && fchmod(dirfd(below), 0700) == 0)
                done = tree_remove(dirfd(below), entry->d_name);
            else
                done = false;
        }
    int error = errno;
    closedir(below);
    if (!done || error) {
        errno = error;
        return false;
    }
    return unlinkat(directory, name, AT_REMOVEDIR) == 0;
}

bool tree_make_parents(const char *path) {
    char parent[PATH_MAX];
    if (strlen(path) >= sizeof parent) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        memcpy(parent, path, (size_t)(slash - path));
        parent[slash - path] = 0;
        if (mkdir(parent, 0755) && errno != EEXIST) {
            /* Above the grants nothing can be made, and what exists there says so in many ways. */
            struct stat object;
            int why = errno;
            if (stat(parent, &object) || !S_ISDIR(object.st_mode)) {
                errno = why;
                return false;
            }
        }
    }
    return true;
}
