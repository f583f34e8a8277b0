#define _GNU_SOURCE
#include "tree_stream.h"
#include <errno.h>
#include <unistd.h>

enum {
    GATHERED = 128 * 1024,
    /* Numbers, and two paths with their lengths. */
    RECORD_MAX = 64 + 2 * (MAX_TREE_PATH_BYTES + 1),
};

static uint8_t out[GATHERED];
static size_t out_size;
static uint8_t in[GATHERED];
static size_t in_at, in_size;
static uint8_t record[RECORD_MAX];

uint8_t tree_kind_of(mode_t mode) {
    return S_ISREG(mode) ? KIND_FILE : S_ISDIR(mode) ? KIND_DIRECTORY : S_ISLNK(mode) ? KIND_SYMLINK : KIND_OTHER;
}

bool tree_flush(void) {
    size_t at = 0;
    while (at < out_size) {
        ssize_t count = write(STDOUT_FILENO, out + at, out_size - at);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return false;
        at += (size_t)count;
    }
    out_size = 0;
    return true;
}

bool tree_put(const void *data, size_t size) {
    const uint8_t *from = data;
    while (size > 0) {
        if (out_size == sizeof out && !tree_flush())
            return false;
        size_t room = sizeof out - out_size, part = size < room ? size : room;
        memcpy(out + out_size, from, part);
        out_size += part;
        from += part;
        size -= part;
    }
    return true;
}

bool tree_put_entry(const struct msg_tree_entry *entry) {
    struct buffer b = {0};
    encode_tree_entry(&b, entry);
    uint32_t size = (uint32_t)b.size;
    bool put = tree_put(&size, sizeof size) && tree_put(b.data, b.size);
    buffer_free(&b);
    return put;
}

bool tree_get(void *data, size_t size) {
    uint8_t *to = data;
    size_t wanted = size;
    while (size > 0) {
        if (in_at == in_size) {
            ssize_t count = read(STDIN_FILENO, in, sizeof in);
            if (count < 0 && errno == EINTR)
                continue;
            if (count <= 0) {
                /* An end inside of something is a torn stream. */
                errno = count < 0 ? errno : size < wanted ? EPROTO : 0;
                return false;
            }
            in_at = 0;
            in_size = (size_t)count;
        }
        size_t there = in_size - in_at, part = size < there ? size : there;
        memcpy(to, in + in_at, part);
        in_at += part;
        to += part;
        size -= part;
    }
    return true;
}

bool tree_get_entry(struct msg_tree_entry *entry) {
    uint32_t size;
    if (!tree_get(&size, sizeof size))
        return false;
    if (size <= sizeof record && tree_get(record, size) && decode_tree_entry((struct slice){record, size}, entry))
        return true;
    errno = errno ? errno : EPROTO;
    return false;
}
