#define _GNU_SOURCE
#include "made_fifos.h"
#include <pthread.h>
#include <unistd.h>

enum { FIFOS_MAX = 256 };

static struct {
    int fd; /* keeps the inode's number from being given to another */
    dev_t device;
    ino_t inode;
} fifos[FIFOS_MAX];
static size_t count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Those that have no name any more. */
static void forget_removed(void) {
    for (size_t i = count; i-- > 0;) {
        struct stat now;
        if (fstat(fifos[i].fd, &now) == 0 && now.st_nlink > 0)
            continue;
        close(fifos[i].fd);
        fifos[i] = fifos[--count];
    }
}

void fifo_remember(int fd) {
    struct stat made;
    pthread_mutex_lock(&lock);
    if (count == FIFOS_MAX)
        forget_removed();
    if (count < FIFOS_MAX && fstat(fd, &made) == 0 && S_ISFIFO(made.st_mode)) {
        fifos[count].fd = fd;
        fifos[count].device = made.st_dev;
        fifos[count++].inode = made.st_ino;
        fd = -1;
    }
    pthread_mutex_unlock(&lock);
    if (fd >= 0)
        close(fd);
}

bool fifo_was_made_here(const struct stat *fifo) {
    bool found = false;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < count && !found; i++)
        found = fifos[i].device == fifo->st_dev && fifos[i].inode == fifo->st_ino;
    pthread_mutex_unlock(&lock);
    return found;
}
