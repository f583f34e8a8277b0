/* The warden of a Cofferdam sandbox. Without arguments it is PID 1 already; `warden local` makes the sandbox first. */
#include "die.h"
#include "launcher.h"
#include "warden.h"
#include <stdbool.h>
#include <string.h>

/* /proc/1/cmdline is readable inside, and where the host keeps its programs is nobody's business there. */
static void hide_arguments(int argc, char **argv) {
    for (int i = 0; i < argc; i++)
        memset(argv[i], 0, strlen(argv[i]));
}

int main(int argc, char **argv) {
    bool local = argc == 2 && strcmp(argv[1], "local") == 0;
    if (argc == 1 || local)
        hide_arguments(argc, argv);
    if (argc == 1)
        warden_run();
    if (local)
        launcher_run();
    die("usage: warden [local]");
}
