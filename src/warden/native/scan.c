#define _GNU_SOURCE
#include "scan.h"
#include "file_tree.h"
#include "protocol.gen.h"
#include "sha256.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each level costs a descriptor; paths are also bounded, or a hostile tree would make them as long as it likes. */
enum { DEPTH_MAX = 256, PATH_BYTES_MAX = 8192, FLUSH_BYTES = 60000 };
/* What one look reads at most: an agent may make any number of sparse files, which cost it nothing. */
#define TOTAL_BYTES_MAX (8ULL << 30)

struct scan {
    const struct scan_options *options;
    int out;
    uint64_t hashed; /* bytes so far */
    struct buffer records, record;
    size_t length;
    char path[PATH_BYTES_MAX];
};

static bool flush(struct scan *s) {
    const uint8_t *at = s->records.data;
    for (size_t left = s->records.size; left > 0;) {
        ssize_t count = write(s->out, at, left);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return false;
        at += count;
        left -= (size_t)count;
    }
    s->records.size = 0;
    return true;
}

static bool put(struct scan *s, const struct msg_scanned *entry) {
    s->record.size = 0;
    encode_scanned(&s->record, entry);
    buffer_bytes(&s->records, (struct slice){s->record.data, s->record.size});
    return s->records.size < FLUSH_BYTES || flush(s);
}

static uint64_t milliseconds(const struct timespec *time) {
    return time->tv_sec < 0 ? 0 : (uint64_t)time->tv_sec * 1000 + (uint64_t)time->tv_nsec / 1000000;
}

/* Hashes what is behind `fd`. Anything but 0 says why it did not. */
static uint8_t hash_content(struct scan *s, int fd, uint8_t digest[32]) {
    static uint8_t chunk[1 << 17];
    struct sha256 hash;
    uint64_t size = 0;
    sha256_begin(&hash);
    for (;;) {
        ssize_t count = read(fd, chunk, sizeof chunk);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return PROBLEM_UNREADABLE;
        if (count == 0)
            break;
        size += (uint64_t)count;
        s->hashed += (uint64_t)count;
        /* It may grow while it is read. */
        if (size > s->options->file_bytes || s->hashed > TOTAL_BYTES_MAX)
            return PROBLEM_TOO_LARGE;
        sha256_add(&hash, chunk, (size_t)count);
    }
    sha256_end(&hash, digest);
    return PROBLEM_NONE;
}

static uint8_t hash_file(struct scan *s, int directory, const char *name, const struct stat *seen, uint8_t digest[32]) {
    if ((uint64_t)seen->st_size > s->options->file_bytes || s->hashed + (uint64_t)seen->st_size > TOTAL_BYTES_MAX)
        return PROBLEM_TOO_LARGE;
    /* What was a file when we looked may be a FIFO now. */
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return PROBLEM_UNREADABLE;
    struct stat object;
    uint8_t problem = PROBLEM_UNREADABLE;
    if (fstat(fd, &object) == 0 && S_ISREG(object.st_mode))
        problem = hash_content(s, fd, digest);
    close(fd);
    return problem;
}

static uint8_t kind_of(mode_t mode) {
    return S_ISREG(mode) ? KIND_FILE : S_ISDIR(mode) ? KIND_DIRECTORY : S_ISLNK(mode) ? KIND_SYMLINK : KIND_OTHER;
}

static struct msg_scanned describe(const struct scan *s, const struct stat *object) {
    /* A number that the host cannot hold exactly is no number that it could compare. */
    bool exact = (uint64_t)object->st_ino < 1ULL << 53;
    return (struct msg_scanned){
        .kind = kind_of(object->st_mode),
        .mode = object->st_mode & 07777,
        .size = (uint64_t)object->st_size,
        .inode = exact ? (uint64_t)object->st_ino : 0,
        .ctime_seconds = object->st_ctim.tv_sec < 0 ? 0 : (uint64_t)object->st_ctim.tv_sec,
        .ctime_nanoseconds = (uint32_t)object->st_ctim.tv_nsec,
        .path = {(const uint8_t *)s->path, s->length},
    };
}

static bool scan_entry(struct scan *s, int directory, const char *name, int depth);

static bool scan_entries(struct scan *s, DIR *directory, int depth) {
    size_t length = s->length;
    struct dirent *entry;
    while ((errno = 0, entry = readdir(directory))) {
        if (tree_is_dots(entry->d_name))
            continue;
        size_t size = strlen(entry->d_name);
        s->path[length] = '/';
        memcpy(s->path + length + 1, entry->d_name, size);
        s->length = length + 1 + size;
        bool done = scan_entry(s, dirfd(directory), entry->d_name, depth + 1);
        s->length = length;
        if (!done)
            return false;
    }
    return errno == 0;
}

static bool scan_directory(struct scan *s, int directory, const char *name, const struct stat *seen, int depth) {
    struct msg_scanned record = describe(s, seen);
    DIR *below = NULL;
    /* NAME_MAX and a slash must fit behind every directory's path. */
    if (depth >= DEPTH_MAX || s->length + 257 > sizeof s->path) {
        record.problem = PROBLEM_TOO_DEEP;
    } else {
        int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        below = fd < 0 ? NULL : fdopendir(fd);
        if (fd < 0 && errno == EMFILE)
            record.problem = PROBLEM_TOO_DEEP;
        else if (!below)
            record.problem = PROBLEM_UNREADABLE;
    }
    bool done = put(s, &record) && (!below || scan_entries(s, below, depth));
    int error = errno;
    if (below)
        closedir(below);
    errno = error;
    return done;
}

static bool scan_entry(struct scan *s, int directory, const char *name, int depth) {
    struct stat object;
    if (fstatat(directory, name, &object, AT_SYMLINK_NOFOLLOW)) {
        /* One that went meanwhile is no error; in a directory without search permission nothing can be told. */
        if (errno == ENOENT)
            return true;
        struct msg_scanned hidden = {.kind = KIND_OTHER, .problem = PROBLEM_UNREADABLE};
        hidden.path = (struct slice){(const uint8_t *)s->path, s->length};
        return put(s, &hidden);
    }
    if (S_ISDIR(object.st_mode))
        return scan_directory(s, directory, name, &object, depth);
    struct msg_scanned record = describe(s, &object);
    char target[4096];
    uint8_t digest[32];
    if (S_ISLNK(object.st_mode)) {
        ssize_t size = readlinkat(directory, name, target, sizeof target);
        record.target = (struct slice){(const uint8_t *)target, size > 0 ? (size_t)size : 0};
    } else if (S_ISREG(object.st_mode) && (!s->options->since_ms || milliseconds(&object.st_ctim) > s->options->since_ms)) {
        record.problem = hash_file(s, directory, name, &object, digest);
        if (!record.problem)
            record.sha256 = (struct slice){digest, sizeof digest};
    }
    return put(s, &record);
}

bool scan_tree(const char *path, const char *prefix, const struct scan_options *options, int out) {
    struct scan *s = calloc(1, sizeof *s);
    if (!s)
        return false;
    s->options = options;
    s->out = out;
    s->length = strlen(prefix);
    bool done = false;
    if (s->length + 257 > sizeof s->path) {
        errno = ENAMETOOLONG;
    } else {
        memcpy(s->path, prefix, s->length);
        done = scan_entry(s, AT_FDCWD, path, 0) && flush(s);
    }
    int error = errno;
    buffer_free(&s->records);
    buffer_free(&s->record);
    free(s);
    errno = error;
    return done;
}
