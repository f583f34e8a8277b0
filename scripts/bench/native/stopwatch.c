/* stopwatch PROGRAM ARGUMENT...: runs a program, and prints how many milliseconds it took. What it says goes to stderr. */
#include "samples.h"
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    uint64_t from = nanoseconds();
    pid_t child = vfork();
    if (child == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 1;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    return printf("%.3f\n", (double)(nanoseconds() - from) / 1e6) < 0;
}
