/* The jobs of guest.c that start programs. */
#define _GNU_SOURCE
#include "guest.h"
#include <errno.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char **to_start;

static void *start_it(void *unused) {
    (void)unused;
    execv(to_start[0], to_start);
    say(strerrorname_np(errno));
    return NULL;
}

/* thread-exec PROGRAM ARGUMENT...: another thread than the first becomes the program. */
int thread_exec(char **argv) {
    pthread_t thread;
    to_start = argv;
    if (pthread_create(&thread, NULL, start_it, NULL))
        return fail();
    pthread_join(thread, NULL);
    return 0;
}

static int report(pid_t child) {
    int status = 0;
    if (waitpid(child, &status, 0) != child)
        return fail();
    if (WIFSIGNALED(status))
        printf("signal %s\n", sigabbrev_np(WTERMSIG(status)));
    else
        printf("status %d\n", WEXITSTATUS(status));
    return 0;
}

static pid_t start_child(char **argv) {
    pid_t child = vfork();
    if (child == 0) {
        execv(argv[0], argv);
        _exit(errno == EACCES ? 99 : 98);
    }
    return child;
}

int vfork_exec(char **argv) {
    pid_t child = start_child(argv);
    return child < 0 ? fail() : report(child);
}

int spawn_exec(char **argv) {
    extern char **environ;
    pid_t child;
    errno = posix_spawn(&child, argv[0], NULL, NULL, argv, environ);
    return errno ? fail() : report(child);
}

/* start PROGRAM ARGUMENT...: becomes the program. */
int start(char **argv) {
    execv(argv[0], argv);
    return fail();
}

/* start-as NAME PROGRAM: becomes the program, which is told that it has that name. */
int start_as(char **argv) {
    char *const arguments[] = {argv[0], NULL};
    execv(argv[1], arguments);
    return fail();
}

/* start-many PROGRAM COUNT LAST: becomes the program, with so many arguments: its name, empty ones, and `--LAST`. */
int start_many(char **argv) {
    size_t count = (size_t)atol(argv[1]);
    char **arguments = calloc(count + 1, sizeof *arguments), last[64];
    snprintf(last, sizeof last, "--%s", argv[2]);
    for (size_t i = 0; i < count; i++)
        arguments[i] = "";
    arguments[0] = argv[0];
    arguments[count - 1] = last;
    execv(argv[0], arguments);
    return fail();
}

static void *move_when_told(void *folder) {
    char byte;
    if (read(0, &byte, 1) == 1)
        say(chdir(folder) ? strerrorname_np(errno) : "moved");
    return NULL;
}

/* start-moved FOLDER PROGRAM ARGUMENT...: becomes the program; another thread goes to the folder once there is input. */
int start_moved(char **argv) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, move_when_told, argv[0]))
        return fail();
    execv(argv[1], argv + 1);
    return fail();
}

/* again COUNT PROGRAM ARGUMENT...: starts it so often, silently, and prints how many ended with 0, were not started or
 * were killed, or ended otherwise. */
int again(char **argv) {
    long count = atol(argv[0]), well = 0, stopped = 0, other = 0;
    for (long i = 0; i < count; i++) {
        pid_t child = start_child(argv + 1);
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) != child)
            return fail();
        if (status == 0)
            well++;
        else if (WIFSIGNALED(status) || WEXITSTATUS(status) == 99)
            stopped++;
        else
            other++;
    }
    printf("well %ld stopped %ld other %ld\n", well, stopped, other);
    return 0;
}
