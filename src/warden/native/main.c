/* The warden of a Cofferdam sandbox. Without arguments it is PID 1 already; `warden local` makes the sandbox first. */
#include "die.h"
#include "launcher.h"
#include "warden.h"
#include <string.h>

int main(int argc, char **argv) {
    if (argc == 1)
        warden_run();
    if (argc == 2 && strcmp(argv[1], "local") == 0)
        launcher_run();
    die("usage: warden [local]");
}
