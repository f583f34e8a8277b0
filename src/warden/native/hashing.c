#define _GNU_SOURCE
#include "hashing.h"
#include "thread.h"
#include "hash_cache.h"
#include <errno.h>
#include <pthread.h>

/* Two commands that have each as many as they may leave none out. */
enum { THREADS = 4, FOR_ONE = 2, STACK_BYTES = 256 * 1024, WAITING_BYTES = 32 << 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static struct lanes lanes = {.busy_max = FOR_ONE, .weight_max = WAITING_BYTES};

static bool is_wanted(const void *job) { return ((const struct hash_job *)job)->is_wanted(job); }

static void *run(void *argument) {
    pthread_mutex_lock(&lock);
    for (;;) {
        struct waiter *next;
        while (!(next = lanes_take(&lanes)))
            pthread_cond_wait(&arrived, &lock);
        pthread_mutex_unlock(&lock);
        struct hash_job *job = (struct hash_job *)next;
        uint32_t stream = next->stream;
        struct patience patience = {is_wanted, job};
        job->known = job->stable ? hash_file_cached(job->file, job->digest, &patience)
                                 : hash_file(job->file, job->digest, &patience);
        job->done(job);
        pthread_mutex_lock(&lock);
        lanes_done(&lanes, stream);
        /* What waited because this command had too many may go on. */
        pthread_cond_signal(&arrived);
    }
    return argument;
}

bool hashing_start(void) {
    for (int i = 0; i < THREADS; i++)
        if (!thread_start(run, NULL, STACK_BYTES))
            return false;
    return true;
}

bool hashing_take(struct hash_job *job) {
    pthread_mutex_lock(&lock);
    bool taken = lanes_put(&lanes, &job->waiter);
    if (taken)
        pthread_cond_signal(&arrived);
    pthread_mutex_unlock(&lock);
    return taken;
}
