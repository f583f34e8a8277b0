#include "copy_report.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { GATHERED = 64 * 1024 };

static atomic_ulong special, unreadable, changed;
static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local struct buffer records, record;

/* Nobody is left to tell that there is nobody to tell. */
static void write_all(const uint8_t *data, size_t size) {
    while (size > 0) {
        ssize_t count = write(STDOUT_FILENO, data, size);
        if (count < 0 && errno != EINTR)
            _exit(1);
        if (count > 0) {
            data += count;
            size -= (size_t)count;
        }
    }
}

void copy_flush(void) {
    pthread_mutex_lock(&output);
    write_all(records.data, records.size);
    pthread_mutex_unlock(&output);
    records.size = 0;
}

static void gather(void) {
    buffer_bytes(&records, (struct slice){record.data, record.size});
    record.size = 0;
}

void copy_put(const struct msg_copied *entry) {
    encode_copied(&record, entry);
    gather();
    if (records.size >= GATHERED)
        copy_flush();
}

void copy_skip_special(void) { special++; }
void copy_note_changed(void) { changed++; }

bool copy_skip(int error) {
    switch (error) {
    case EACCES:
    case EPERM: unreadable++; return true;
    /* It went away, became something else, or is held by a lease, while we looked. */
    case ENOENT:
    case ELOOP:
    case ENOTDIR:
    case ENXIO:
    case EAGAIN: changed++; return true;
    default: return false;
    }
}

static void tell_end(int error, struct slice path) {
    struct msg_copy_end end = {
        .failure = (uint32_t)error, .special = special, .unreadable = unreadable, .changed = changed, .path = path};
    encode_copy_end(&record, &end);
    gather();
}

void copy_fail(int error, struct slice path) {
    tell_end(error, path);
    /* Others may be writing: nothing of theirs may follow, and nothing be cut by it. */
    pthread_mutex_lock(&output);
    write_all(records.data, records.size);
    _exit(0);
}

void copy_tell_end(void) {
    tell_end(0, (struct slice){0});
    copy_flush();
}
