#define _GNU_SOURCE
#include "copy_tree.h"
#include "copy_folder.h"
#include "copy_report.h"
#include "die.h"
#include "grants.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* More threads than these wait for each other in the file system. A stack has a frame for each level of a tree. */
enum { THREADS_MAX = 4, STACK_BYTES = 64 << 20 };

static void add_all(struct grant_node *root, struct list paths, enum grant access) {
    struct slice path;
    while (list_next(&paths, &path))
        grants_add(root, path, access);
}

static void *run(void *unused) {
    copy_folders();
    return unused;
}

static unsigned threads(void) {
    cpu_set_t processors;
    int count = sched_getaffinity(0, sizeof processors, &processors) ? 1 : CPU_COUNT(&processors);
    return count < THREADS_MAX ? (unsigned)count : THREADS_MAX;
}

/* Each level of a tree costs two descriptors in every thread. */
static void allow_descriptors(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

__attribute__((noreturn)) static void copy_all(const struct msg_copy *order, char *source, char *target) {
    struct grant_node root = {0};
    pthread_t others[THREADS_MAX];
    pthread_attr_t attributes;
    unsigned count = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    umask(0);
    allow_descriptors();
    add_all(&root, order->reads, GRANT_READ);
    add_all(&root, order->writes, GRANT_WRITE);
    copy_begin(source, target, grants_top(&root),
               (struct copy_manner){.chown = order->flags & COPY_FLAG_CHOWN,
                                    .uid = order->uid,
                                    .gid = order->gid,
                                    .survey = order->flags & COPY_FLAG_SURVEY});
    if (pthread_attr_init(&attributes) || pthread_attr_setstacksize(&attributes, STACK_BYTES))
        die("out of memory");
    for (unsigned wanted = threads(); count < wanted; count++)
        if (pthread_create(&others[count], &attributes, run, NULL))
            break;
    if (count == 0)
        die("cannot make a thread");
    for (unsigned i = 0; i < count; i++)
        pthread_join(others[i], NULL);
    copy_tell_end();
    _exit(0);
}

/* Waits for its end, and ends it when the host goes away. */
static bool follow(pid_t child) {
    int handle = (int)syscall(SYS_pidfd_open, child, 0), status = 0;
    struct pollfd sources[2] = {{handle, POLLIN, 0}, {0, 0, 0}};
    while (handle >= 0 && poll(sources, 2, -1) < 0 && errno == EINTR)
        ;
    bool here = sources[0].revents;
    if (!here)
        kill(child, SIGKILL);
    close(handle);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return here && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool copy_tree(struct slice payload) {
    struct msg_copy order;
    if (!decode_copy(payload, &order))
        return false;
    char *source = slice_string(order.source), *target = slice_string(order.target);
    if (!source || !target)
        return false;
    pid_t child = fork();
    if (child == 0)
        copy_all(&order, source, target);
    free(source);
    free(target);
    return child > 0 && follow(child);
}
