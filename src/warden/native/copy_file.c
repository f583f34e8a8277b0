#define _GNU_SOURCE
#include "copy_file.h"
#include <errno.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A small file is one read and one write; of a larger one the kernel may share the blocks. */
enum { PIECE_BYTES = 256 * 1024 };

static bool write_all(int fd, const char *data, size_t size, off_t at) {
    while (size > 0) {
        ssize_t count = pwrite(fd, data, size, at);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return false;
        data += count;
        at += count;
        size -= (size_t)count;
    }
    return true;
}

/* Up to `end`; where it stopped, or -1. */
static off_t copy_piecewise(int source, int target, off_t at, off_t end) {
    /* On the heap: what is local to a thread is taken from the stacks of all threads of the warden. */
    static _Thread_local char *piece;
    if (!piece && !(piece = malloc(PIECE_BYTES)))
        return -1;
    while (at < end) {
        size_t wanted = end - at < PIECE_BYTES ? (size_t)(end - at) : PIECE_BYTES;
        ssize_t count = pread(source, piece, wanted, at);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 || !write_all(target, piece, (size_t)count, at))
            return -1;
        if (count == 0)
            break;
        at += count;
    }
    return at;
}

/* The same by the kernel alone, as far as it can. */
static off_t copy_range(int source, int target, off_t at, off_t end) {
    off_t from = at;
    while (from < end) {
        ssize_t count = copy_file_range(source, &from, target, &at, (size_t)(end - from), 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
    }
    return from < end ? copy_piecewise(source, target, from, end) : from;
}

static int64_t copy_data(int source, int target, off_t size) {
    off_t reached = 0;
    for (off_t at = 0; at < size;) {
        off_t data = lseek(source, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break;
        /* A file system that knows no holes has none. */
        off_t begin = data < 0 ? at : data, hole = data < 0 ? size : lseek(source, begin, SEEK_HOLE);
        if (begin >= size)
            break;
        off_t end = hole < 0 || hole > size ? size : hole;
        reached = copy_range(source, target, begin, end);
        if (reached < 0)
            return -1;
        if (reached < end)
            return reached;
        at = end;
    }
    struct stat now;
    if (fstat(source, &now))
        return -1;
    /* What follows the last of the data is a hole, unless it was cut off meanwhile. */
    off_t whole = now.st_size < size ? now.st_size : size;
    if (whole < reached)
        whole = reached;
    return whole > reached && ftruncate(target, whole) ? -1 : whole;
}

int64_t copy_content(int source, int target, off_t size) {
    if (size <= PIECE_BYTES)
        return copy_piecewise(source, target, 0, size);
    struct stat made;
    if (ioctl(target, FICLONE, source) == 0 && fstat(target, &made) == 0)
        return made.st_size <= size ? made.st_size : ftruncate(target, size) ? -1 : size;
    return copy_data(source, target, size);
}
