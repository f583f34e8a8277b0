#define _GNU_SOURCE
#include "tree_unpack.h"
#include "file_tree.h"
#include "tree_stream.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum { DEPTH_MAX = 256, OWNER_ALL = 0700 };

/* A directory that is held open while entries below it come. Its mode and time are set when it is left: entries would
 * change the one, and may be forbidden by the other. */
struct level {
    int fd;
    size_t length; /* of its path below the top */
    mode_t mode;
    bool has_mode, has_time;
    struct timespec times[2];
};

static struct level levels[DEPTH_MAX];
static size_t depth;
static char current[MAX_TREE_PATH_BYTES + 1]; /* the path of the innermost */
static bool no_replacing;

static void leave(void) {
    struct level *level = &levels[--depth];
    if (level->has_mode)
        fchmod(level->fd, level->mode);
    if (level->has_time)
        futimens(level->fd, level->times);
    close(level->fd);
    if (depth > 0)
        current[levels[depth - 1].length] = 0;
}

static bool enter(int fd, size_t length) {
    if (fd < 0 || depth == DEPTH_MAX) {
        int error = fd < 0 ? errno : EMFILE;
        if (fd >= 0)
            close(fd);
        errno = error;
        return false;
    }
    levels[depth++] = (struct level){.fd = fd, .length = length};
    return true;
}

static int open_directory(int parent, const char *name) {
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

/* Opens or makes a directory, never through a link. */
static bool enter_child(const char *name, size_t length) {
    int parent = levels[depth - 1].fd;
    struct stat object;
    if (mkdirat(parent, name, 0755) == 0)
        return enter(open_directory(parent, name), length);
    if (errno != EEXIST || !enter(open_directory(parent, name), length))
        return false;
    struct level *level = &levels[depth - 1];
    /* Entries are to be made in one whose mode forbids it: it gets its mode back. */
    if (fstat(level->fd, &object) == 0 && (object.st_mode & OWNER_ALL) != OWNER_ALL &&
        fchmod(level->fd, (object.st_mode & 0777) | OWNER_ALL) == 0) {
        level->has_mode = true;
        level->mode = object.st_mode & 0777;
    }
    return true;
}

static bool is_plain(const char *name, size_t size) {
    return size > 0 && size <= NAME_MAX && !(name[0] == '.' && (size == 1 || (size == 2 && name[1] == '.')));
}

static bool is_below(const char *path, size_t length) {
    return length == 0 || (strncmp(path, current, length) == 0 && path[length] == '/');
}

/* Enters the directory at the first `length` bytes of `path`, from the innermost that is on its way. */
static bool enter_path(const char *path, size_t length) {
    while (depth > 1 && !(levels[depth - 1].length <= length && strncmp(path, current, levels[depth - 1].length) == 0 &&
                          (levels[depth - 1].length == length || is_below(path, levels[depth - 1].length))))
        leave();
    while (levels[depth - 1].length < length) {
        size_t start = levels[depth - 1].length + (levels[depth - 1].length > 0);
        const char *slash = memchr(path + start, '/', length - start);
        size_t end = slash ? (size_t)(slash - path) : length;
        char name[NAME_MAX + 1];
        if (!is_plain(path + start, end - start)) {
            errno = EINVAL;
            return false;
        }
        memcpy(name, path + start, end - start);
        name[end - start] = 0;
        if (!enter_child(name, end))
            return false;
        memcpy(current, path, end);
        current[end] = 0;
    }
    return true;
}

/* Out of the way, if it is no directory and may be replaced. */
static bool make_way(const char *name) {
    return errno == EEXIST && !no_replacing && unlinkat(levels[depth - 1].fd, name, 0) == 0;
}

static bool get_content(int fd) {
    static uint8_t piece[MAX_DATA_BYTES];
    int failed = 0;
    for (;;) {
        uint32_t size;
        if (!tree_get(&size, sizeof size) || size > sizeof piece || (size > 0 && !tree_get(piece, size))) {
            errno = EPROTO;
            return false;
        }
        if (size == 0)
            break;
        for (uint32_t at = 0; !failed && at < size;) {
            ssize_t count = write(fd, piece + at, size - at);
            if (count >= 0)
                at += (uint32_t)count;
            else if (errno != EINTR)
                failed = errno;
        }
        if (failed)
            break;
    }
    errno = failed;
    return !failed;
}

static void times_of(const struct msg_tree_entry *entry, struct timespec times[2]) {
    times[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
    times[1] = (struct timespec){.tv_sec = (time_t)entry->mtime_seconds, .tv_nsec = entry->mtime_nanoseconds};
}

static bool make_file(const char *name, const struct msg_tree_entry *entry) {
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int parent = levels[depth - 1].fd;
    int fd = openat(parent, name, flags, entry->mode & 0777);
    if (fd < 0 && make_way(name))
        fd = openat(parent, name, flags, entry->mode & 0777);
    if (fd < 0)
        return false;
    struct timespec times[2];
    times_of(entry, times);
    bool made = get_content(fd);
    if (made && entry->mtime_seconds > 0)
        futimens(fd, times);
    int error = errno;
    made &= close(fd) == 0;
    errno = error;
    return made;
}

static bool make_link(const char *name, const struct msg_tree_entry *entry) {
    char target[MAX_TREE_PATH_BYTES + 1];
    memcpy(target, entry->target.data, entry->target.size);
    target[entry->target.size] = 0;
    int parent = levels[depth - 1].fd;
    return symlinkat(target, parent, name) == 0 || (make_way(name) && symlinkat(target, parent, name) == 0);
}

static bool make_directory(const char *path, size_t size, const struct msg_tree_entry *entry) {
    if (!enter_path(path, size))
        return false;
    struct level *level = &levels[depth - 1];
    level->mode = entry->mode & 0777;
    level->has_mode = true;
    level->has_time = entry->mtime_seconds > 0;
    times_of(entry, level->times);
    return true;
}

static bool make_entry(const char *path, size_t size, const struct msg_tree_entry *entry) {
    if (entry->kind == KIND_DIRECTORY)
        return make_directory(path, size, entry);
    const char *slash = memrchr(path, '/', size);
    size_t length = slash ? (size_t)(slash - path) : 0;
    const char *name = slash ? slash + 1 : path;
    if (!enter_path(path, length))
        return false;
    errno = EINVAL;
    if (!is_plain(name, strlen(name)))
        return false;
    return entry->kind == KIND_FILE ? make_file(name, entry) : entry->kind == KIND_SYMLINK && make_link(name, entry);
}

/* False: it is not what may come. */
static bool copy_path(const struct msg_tree_entry *entry, char path[static MAX_TREE_PATH_BYTES + 1]) {
    if (entry->path.size > MAX_TREE_PATH_BYTES || entry->target.size > MAX_TREE_PATH_BYTES ||
        memchr(entry->path.data, 0, entry->path.size) || memchr(entry->target.data, 0, entry->target.size) ||
        entry->mtime_nanoseconds >= 1000000000 || entry->mtime_seconds > INT64_MAX)
        return false;
    memcpy(path, entry->path.data, entry->path.size);
    path[entry->path.size] = 0;
    return true;
}

static bool unpack_entries(void) {
    struct msg_tree_entry entry;
    char path[MAX_TREE_PATH_BYTES + 1];
    while (tree_get_entry(&entry)) {
        if (!copy_path(&entry, path)) {
            errno = EPROTO;
            return false;
        }
        if (make_entry(path, entry.path.size, &entry))
            continue;
        if (errno == EPROTO)
            return false;
        entry.failure = (uint32_t)errno;
        entry.path = slice_of(path);
        entry.target.size = 0;
        return tree_put_entry(&entry) && tree_flush();
    }
    return errno == 0;
}

bool tree_unpack(const char *top, bool exclusive) {
    no_replacing = exclusive;
    if (!tree_make_parents(top) || (mkdir(top, 0755) && errno != EEXIST))
        return false;
    if (!enter(open_directory(AT_FDCWD, top), 0))
        return false;
    bool unpacked = unpack_entries();
    int error = errno;
    while (depth > 0)
        leave();
    errno = error;
    return unpacked;
}
