/* Threads that hash programs. A program can be as long as the sandbox likes, and read slowly: nobody else waits for it,
 * neither a supervisor nor the main thread, and no command for another's. */
#pragma once
#include "lanes.h"
#include <stdatomic.h>

struct hash_job {
    struct waiter waiter;
    int file;    /* is left open */
    bool stable; /* the sandbox cannot change it: the digest is remembered */
    /* In the hashing thread: whether anybody still wants to know. */
    bool (*is_wanted)(const struct hash_job *job);
    /* In the hashing thread, when it is known or will not be: takes the job back. */
    void (*done)(struct hash_job *job);
    void *of;
    atomic_bool given_up; /* for whoever is_wanted() asks */
    bool known;
    uint8_t digest[32];
};

/* Makes the threads. False: errno says why. */
bool hashing_start(void);
/* False: too many of the command wait, and the job stays with the caller. */
bool hashing_take(struct hash_job *job);
