#define _GNU_SOURCE
#include "tree_pack.h"
#include "file_tree.h"
#include "tree_stream.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where the walk is: the path of what is looked at, below the top. */
static char path[MAX_TREE_PATH_BYTES + 1];

static struct msg_tree_entry describe(const struct stat *object) {
    return (struct msg_tree_entry){
        .kind = tree_kind_of(object->st_mode),
        .mode = object->st_mode & 0777,
        .size = S_ISREG(object->st_mode) ? (uint64_t)object->st_size : 0,
        .mtime_seconds = object->st_mtim.tv_sec < 0 ? 0 : (uint64_t)object->st_mtim.tv_sec,
        .mtime_nanoseconds = (uint32_t)object->st_mtim.tv_nsec,
        .path = slice_of(path),
    };
}

static bool pass_over(struct msg_tree_entry *entry, int error) {
    entry->failure = (uint32_t)error;
    return tree_put_entry(entry);
}

static bool put_content(int fd) {
    static uint8_t piece[MAX_DATA_BYTES];
    for (;;) {
        ssize_t count = read(fd, piece, sizeof piece);
        if (count < 0 && errno == EINTR)
            continue;
        /* Its beginning is on its way: what cannot be read any more cannot be passed over. */
        if (count < 0)
            return false;
        uint32_t size = (uint32_t)count;
        if (!tree_put(&size, sizeof size) || !tree_put(piece, size))
            return false;
        if (size == 0)
            return true;
    }
}

static bool put_file(int directory, const char *name, struct msg_tree_entry *entry) {
    /* What was a file may be a FIFO by now, and opening one could block for ever. */
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat object;
    if (fd < 0 || fstat(fd, &object) || !S_ISREG(object.st_mode)) {
        int error = fd < 0 ? errno : EINVAL;
        if (fd >= 0)
            close(fd);
        return pass_over(entry, error);
    }
    *entry = describe(&object);
    bool put = tree_put_entry(entry) && put_content(fd);
    int error = errno;
    close(fd);
    errno = error;
    return put;
}

static bool put_link(int directory, const char *name, struct msg_tree_entry *entry) {
    char target[MAX_TREE_PATH_BYTES + 1];
    ssize_t size = readlinkat(directory, name, target, sizeof target);
    if (size < 0 || size > MAX_TREE_PATH_BYTES)
        return pass_over(entry, size < 0 ? errno : ENAMETOOLONG);
    entry->target = (struct slice){(uint8_t *)target, (size_t)size};
    return tree_put_entry(entry);
}

static bool put_children(DIR *directory, size_t length);

/* Depth costs descriptors and stack: the limit of descriptors ends a hostile one, and is said. */
static bool put_directory(int parent, const char *name, size_t length, struct msg_tree_entry *entry) {
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return pass_over(entry, error);
    }
    bool put = tree_put_entry(entry) && put_children(directory, length);
    int error = errno;
    closedir(directory);
    errno = error;
    return put;
}

static bool put_child(int directory, const char *name, size_t length) {
    struct stat object;
    if (fstatat(directory, name, &object, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT; /* it went meanwhile */
    struct msg_tree_entry entry = describe(&object);
    switch (entry.kind) {
    case KIND_DIRECTORY: return put_directory(directory, name, length, &entry);
    case KIND_FILE: return put_file(directory, name, &entry);
    case KIND_SYMLINK: return put_link(directory, name, &entry);
    default: return pass_over(&entry, EINVAL);
    }
}

static bool put_children(DIR *directory, size_t length) {
    bool put = true;
    for (struct dirent *child; put && (errno = 0, child = readdir(directory));) {
        if (tree_is_dots(child->d_name))
            continue;
        size_t start = length + (length > 0), size = strlen(child->d_name);
        if (start + size > MAX_TREE_PATH_BYTES) {
            struct msg_tree_entry entry = {.kind = KIND_OTHER, .path = slice_of(path)};
            put = pass_over(&entry, ENAMETOOLONG);
            continue;
        }
        if (length > 0)
            path[length] = '/';
        memcpy(path + start, child->d_name, size + 1);
        put = put_child(dirfd(directory), child->d_name, start + size);
        path[length] = 0;
    }
    return put && errno == 0;
}

bool tree_pack(const char *top) {
    int fd = open(top, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat object;
    DIR *directory = fd < 0 || fstat(fd, &object) ? NULL : fdopendir(fd);
    if (!directory)
        return false;
    struct msg_tree_entry entry = describe(&object);
    return tree_put_entry(&entry) && put_children(directory, 0) && tree_flush();
}
