/* Calls what removes trees, and makes trees that are awkward to make otherwise. Usage: drive_tree OPERATION PATH */
#define _GNU_SOURCE
#include "file_tree.h"
#include "scratch.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { DEPTH = 20000, WIDTH = 300, EACH = 20 };

static void check(int result) {
    if (result < 0) {
        perror("drive_tree");
        exit(2);
    }
}

static void make_deep(void) {
    for (int i = 0; i < DEPTH; i++) {
        check(mkdir("d", 0700));
        check(chdir("d"));
    }
    check(close(open("file", O_CREAT | O_WRONLY, 0600)));
}

static void make_wide(void) {
    int top = open(".", O_PATH | O_DIRECTORY);
    check(top);
    for (int i = 0; i < WIDTH; i++) {
        char name[32];
        snprintf(name, sizeof name, "w%d", i);
        check(mkdir(name, 0700));
        check(chdir(name));
        for (int j = 0; j < EACH; j++) {
            check(mkdir("d", 0700));
            check(chdir("d"));
            check(close(open("file", O_CREAT | O_WRONLY, 0600)));
        }
        check(fchdir(top));
    }
}

static void make_special(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    check(fd);
    check(bind(fd, (struct sockaddr *)&address, sizeof address));
    check(mkfifo("fifo", 0));
    check(mkdir("folder", 0700));
    check(mkfifo("folder/fifo", 0600));
    check(close(open("folder/none", O_CREAT | O_WRONLY, 0)));
    check(close(open("none", O_CREAT | O_WRONLY, 0)));
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    if (strcmp(argv[1], "scratch_remove") == 0) {
        scratch_remove(argv[2]);
        return 0;
    }
    if (strcmp(argv[1], "tree_remove") == 0) {
        if (tree_remove(AT_FDCWD, argv[2]))
            puts("removed");
        else
            printf("failed with %s\n", strerror(errno));
        return 0;
    }
    check(chdir(argv[2]));
    if (strcmp(argv[1], "make_deep") == 0)
        make_deep();
    else if (strcmp(argv[1], "make_wide") == 0)
        make_wide();
    else if (strcmp(argv[1], "make_special") == 0)
        make_special();
    else
        return 2;
    return 0;
}
