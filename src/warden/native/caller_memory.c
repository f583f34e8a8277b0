/* What a caller passed lies in its memory, which its other threads may change and unmap while it is read. */
#define _GNU_SOURCE
#include "caller.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* Pages may be larger; none is smaller. */
enum { PAGE = 4096, FIRST_PIECE = 256 };

static ssize_t read_file(pid_t tid, uint64_t address, void *bytes, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t count = pread(fd, bytes, size, (off_t)address);
    int error = count < 0 && errno != EIO ? errno : EFAULT;
    close(fd);
    errno = error;
    return count;
}

/* Some of the bytes. */
static ssize_t read_some(pid_t tid, uint64_t address, void *bytes, size_t size) {
    struct iovec to = {bytes, size}, from = {(void *)(uintptr_t)address, size}; /* NOLINT: another process's */
    ssize_t count = process_vm_readv(tid, &to, 1, &from, 1, 0);
    if (count < 0 && (errno == EPERM || errno == ENOSYS))
        return read_file(tid, address, bytes, size);
    return count;
}

static bool read_all(pid_t tid, uint64_t address, void *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t count = read_some(tid, address + done, (uint8_t *)bytes + done, size - done);
        if (count <= 0) {
            errno = count == 0 ? EFAULT : errno;
            return false;
        }
        done += (size_t)count;
    }
    return true;
}

/* The thread may have ended, and its number been given to another, before it was read. */
static bool still_lives(const struct notice *notice) {
    bool live = notice_is_live(notice);
    errno = live ? errno : ESRCH;
    return live;
}

bool caller_peek(const struct notice *notice, uint64_t address, void *bytes, size_t size) {
    return read_all(notice->tid, address, bytes, size);
}

bool caller_bytes(const struct notice *notice, uint64_t address, void *bytes, size_t size) {
    return read_all(notice->tid, address, bytes, size) && still_lives(notice);
}

bool caller_text(const struct notice *notice, uint64_t address, char *text, size_t capacity) {
    for (size_t done = 0; done < capacity;) {
        /* Never beyond a page that has to be there anyway. */
        size_t piece = PAGE - (address + done) % PAGE;
        if (done == 0 && piece > FIRST_PIECE)
            piece = FIRST_PIECE;
        if (piece > capacity - done)
            piece = capacity - done;
        if (!read_all(notice->tid, address + done, text + done, piece))
            return false;
        if (memchr(text + done, 0, piece))
            return true;
        done += piece;
    }
    errno = ENAMETOOLONG;
    return false;
}

bool caller_string(const struct notice *notice, uint64_t address, char *text, size_t capacity) {
    return caller_text(notice, address, text, capacity) && still_lives(notice);
}
