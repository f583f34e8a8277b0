/* start_programs PROCESSOR COUNT PATH: vfork, exec and wait so many times, and prints the median in nanoseconds. */
#include "samples.h"
#include <sys/wait.h>
#include <unistd.h>

static int start(const char *path) {
    char *argv[] = {(char *)(uintptr_t)path, NULL}, *environment[] = {NULL};
    pid_t child = vfork();
    if (child == 0) {
        execve(path, argv, environment);
        _exit(127);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return status;
}

int main(int argc, char **argv) {
    return measure(argc, argv, start);
}
