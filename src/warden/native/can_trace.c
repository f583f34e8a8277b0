#define _GNU_SOURCE
#include "can_trace.h"
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* As a command's first process is: a fork that lets itself be looked at. */
__attribute__((noreturn)) static void be_looked_at(int ready) {
    prctl(PR_SET_DUMPABLE, 1);
    (void)!write(ready, "", 1);
    for (;;)
        pause();
}

bool can_trace(void) {
    int ready[2];
    char byte;
    if (pipe(ready))
        return false;
    pid_t child = fork();
    if (child == 0)
        be_looked_at(ready[1]);
    int error = errno;
    close(ready[1]);
    bool traced = child > 0 && read(ready[0], &byte, 1) == 1 &&
                  ptrace(PTRACE_SEIZE, child, NULL, (void *)(long)(PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)) == 0;
    if (child > 0) {
        error = errno;
        kill(child, SIGKILL);
        while (waitpid(child, NULL, __WALL) < 0 && errno == EINTR)
            continue;
    }
    close(ready[0]);
    errno = error;
    return traced;
}
