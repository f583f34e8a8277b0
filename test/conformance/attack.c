/* One attack for each call: prints what came of it, "done" or the name of the errno. The same program runs inside a
 * sandbox, where the attack must fail, and outside, where it must work: a refusal that is there anyway proves nothing. */
#define _GNU_SOURCE
#include "attack.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

long in_child(long (*run)(void)) {
    pid_t child = fork();
    if (child == 0)
        _exit(run() >= 0 ? 0 : errno);
    int status = 0;
    waitpid(child, &status, 0);
    /* Ended by a signal: so was the attack. */
    errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
    return errno == 0 ? 0 : -1;
}

long reached(long result, int error) { return result >= 0 || errno == error ? 0 : -1; }

int main(int argc, char **argv) {
    static const struct attack *const tables[] = {path_attacks, socket_attacks, process_attacks, kernel_attacks};
    const char *path = argc > 2 ? argv[2] : "", *other = argc > 3 ? argv[3] : "";
    for (size_t i = 0; argc > 1 && i < sizeof tables / sizeof *tables; i++)
        for (const struct attack *attack = tables[i]; attack->name; attack++) {
            if (strcmp(attack->name, argv[1]))
                continue;
            errno = 0;
            puts(attack->run(path, other) >= 0 ? "done" : strerrorname_np(errno));
            return 0;
        }
    fprintf(stderr, "no attack of that name: %s\n", argc > 1 ? argv[1] : "");
    return 2;
}
