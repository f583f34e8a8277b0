#define _GNU_SOURCE
#include "file_operation.h"
#include "file_tree.h"
#include "mount_api.h"
#include "scan.h"
#include "tree_pack.h"
#include "tree_unpack.h"
#include "tree_watch.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool file_operation_decode(struct file_operation *o, const struct msg_file *request) {
    *o = (struct file_operation){
        .operation = request->operation,
        .flags = request->flags,
        .mode = request->mode & 0777,
        .offset = request->offset,
        .length = request->length,
        .path = slice_string(request->path),
        .target = slice_string(request->target),
    };
    if (o->path && o->path[0] == '/' && o->target && request->offset <= INT64_MAX)
        return true;
    file_operation_free(o);
    return false;
}

bool file_operation_reads(const struct msg_file *request) {
    return request->operation == OPERATION_WRITE || request->operation == OPERATION_UNPACK;
}

void file_operation_free(struct file_operation *o) {
    free(o->path);
    free(o->target);
    *o = (struct file_operation){0};
}

/* In review: no link is followed. The directory above is made the current one, and `name` is what it holds. */
static bool enter_parent(const struct file_operation *o, const char **name) {
    const char *slash = strrchr(o->path, '/');
    if (!slash[1] || tree_is_dots(slash + 1)) {
        errno = EINVAL;
        return false;
    }
    char *parent = strndup(o->path, slash == o->path ? 1 : (size_t)(slash - o->path));
    int fd = parent ? open_how(AT_FDCWD, parent, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_NO_SYMLINKS) : -1;
    int error = errno;
    free(parent);
    errno = error;
    *name = slash + 1;
    return fd >= 0 && fchdir(fd) == 0;
}

/* Regular files only: a FIFO or a device could block for ever, or be the terminal. */
static int open_regular(const char *path, int flags, mode_t mode) {
    int fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, mode);
    struct stat object;
    if (fd < 0 || fstat(fd, &object))
        return -1;
    if (S_ISREG(object.st_mode))
        return fd;
    errno = S_ISDIR(object.st_mode) ? EISDIR : EINVAL;
    return -1;
}

static bool write_all(int fd, const uint8_t *data, size_t size) {
    while (size > 0) {
        ssize_t count = write(fd, data, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return false;
        data += count;
        size -= (size_t)count;
    }
    return true;
}

static bool pump(int from, int to, uint64_t limit) {
    static uint8_t chunk[MAX_DATA_BYTES];
    while (limit > 0) {
        ssize_t count = read(from, chunk, limit < sizeof chunk ? limit : sizeof chunk);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return count == 0;
        if (!write_all(to, chunk, (size_t)count))
            return false;
        limit -= (uint64_t)count;
    }
    return true;
}

static int no_follow(const struct file_operation *o) { return o->flags & FILE_FLAG_REVIEW ? O_NOFOLLOW : 0; }

static bool do_read(const struct file_operation *o) {
    int fd = open_regular(o->path, O_RDONLY | no_follow(o), 0);
    if (fd < 0 || (o->offset && lseek(fd, (off_t)o->offset, SEEK_SET) < 0))
        return false;
    return pump(fd, STDOUT_FILENO, o->length ? o->length : UINT64_MAX);
}

static bool do_write(const struct file_operation *o) {
    if (o->flags & FILE_FLAG_RECURSIVE && !tree_make_parents(o->path))
        return false;
    int flags = O_WRONLY | O_CREAT | no_follow(o) | (o->flags & FILE_FLAG_APPEND ? O_APPEND : O_TRUNC);
    if (o->flags & FILE_FLAG_EXCLUSIVE)
        flags |= O_EXCL;
    int fd = open_regular(o->path, flags, o->mode);
    return fd >= 0 && pump(STDIN_FILENO, fd, UINT64_MAX) && close(fd) == 0;
}

static uint8_t kind_of(mode_t mode) {
    return S_ISREG(mode) ? KIND_FILE : S_ISDIR(mode) ? KIND_DIRECTORY : S_ISLNK(mode) ? KIND_SYMLINK : KIND_OTHER;
}

/* One record: its length, and then the entry. */
static bool put_entry(int directory, const char *path, const char *name, int flags) {
    struct stat object;
    if (fstatat(directory, path, &object, flags))
        return false;
    char target[4096];
    ssize_t size = S_ISLNK(object.st_mode) ? readlinkat(directory, path, target, sizeof target) : 0;
    struct msg_entry entry = {
        .kind = kind_of(object.st_mode),
        .mode = object.st_mode & 07777,
        .uid = object.st_uid,
        .size = (uint64_t)object.st_size,
        .mtime_seconds = object.st_mtim.tv_sec < 0 ? 0 : (uint64_t)object.st_mtim.tv_sec,
        .mtime_nanoseconds = (uint32_t)object.st_mtim.tv_nsec,
        .name = slice_of(name),
        .target = {(uint8_t *)target, size > 0 ? (size_t)size : 0},
    };
    struct buffer b = {0}, framed = {0};
    encode_entry(&b, &entry);
    buffer_bytes(&framed, (struct slice){b.data, b.size});
    bool written = write_all(STDOUT_FILENO, framed.data, framed.size);
    buffer_free(&b);
    buffer_free(&framed);
    return written;
}

static bool do_list(const struct file_operation *o) {
    DIR *directory = opendir(o->path);
    if (!directory)
        return false;
    for (struct dirent *entry; (errno = 0, entry = readdir(directory));) {
        if (tree_is_dots(entry->d_name))
            continue;
        /* One that went meanwhile is no error. */
        if (!put_entry(dirfd(directory), entry->d_name, entry->d_name, AT_SYMLINK_NOFOLLOW) && errno != ENOENT)
            return false;
    }
    return errno == 0;
}

static bool do_stat(const struct file_operation *o) {
    const char *slash = strrchr(o->path, '/');
    const char *name = slash && slash[1] ? slash + 1 : o->path;
    return put_entry(AT_FDCWD, o->path, name, o->flags & FILE_FLAG_NO_FOLLOW ? AT_SYMLINK_NOFOLLOW : 0);
}

static bool do_remove(const struct file_operation *o) {
    bool removed = o->flags & FILE_FLAG_RECURSIVE ? tree_remove(AT_FDCWD, o->path)
                                                  : unlink(o->path) == 0 || (errno == EISDIR && rmdir(o->path) == 0);
    return removed || (errno == ENOENT && o->flags & FILE_FLAG_FORCE);
}

static bool do_mkdir(const struct file_operation *o) {
    if (!(o->flags & FILE_FLAG_RECURSIVE))
        return mkdir(o->path, o->mode) == 0;
    struct stat object;
    if (!tree_make_parents(o->path))
        return false;
    if (mkdir(o->path, o->mode) == 0)
        return true;
    if (errno != EEXIST || stat(o->path, &object))
        return false;
    errno = EEXIST;
    return S_ISDIR(object.st_mode);
}

/* The path in the records is the one that the host asked with, so that it need not be put together again. */
static bool do_scan(const struct file_operation *o, const char *path) {
    struct scan_options options = {.since_ms = o->offset, .file_bytes = o->length};
    return scan_tree(o->path, path, &options, STDOUT_FILENO);
}

stage file_operation_run(const struct task *task) {
    struct file_operation own = *(const struct file_operation *)task->request, *o = &own;
    const char *asked = o->path, *name;
    /* The modes that the host names are the ones that it gets. */
    umask(0);
    if (o->flags & FILE_FLAG_REVIEW) {
        if (!enter_parent(o, &name))
            return STAGE_FILE;
        own.path = (char *)name;
    }
    bool done = false;
    switch (o->operation) {
    case OPERATION_READ: done = do_read(o); break;
    case OPERATION_WRITE: done = do_write(o); break;
    case OPERATION_LIST: done = do_list(o); break;
    case OPERATION_STAT: done = do_stat(o); break;
    case OPERATION_REMOVE: done = do_remove(o); break;
    case OPERATION_RENAME: done = rename(o->path, o->target) == 0; break;
    case OPERATION_MKDIR: done = do_mkdir(o); break;
    case OPERATION_SYMLINK: done = symlink(o->target, o->path) == 0; break;
    case OPERATION_SCAN: done = do_scan(o, asked); break;
    case OPERATION_PACK: done = tree_pack(o->path); break;
    case OPERATION_UNPACK: done = tree_unpack(o->path, o->flags & FILE_FLAG_EXCLUSIVE); break;
    case OPERATION_WATCH: done = tree_watch(o->path, o->flags & FILE_FLAG_RECURSIVE); break;
    default: errno = ENOSYS;
    }
    return done ? 0 : STAGE_FILE;
}
