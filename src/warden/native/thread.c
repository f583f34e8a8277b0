#define _GNU_SOURCE
#include "thread.h"
#include "die.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>

bool thread_start(void *(*run)(void *), void *argument, size_t stack_bytes) {
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_bytes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int error = pthread_create(&thread, &attributes, run, argument);
    pthread_attr_destroy(&attributes);
    errno = error;
    return error == 0;
}

void thread_keeps_umask(void) {
    if (unshare(CLONE_FS))
        die_errno("cannot give a thread a umask of its own");
}
