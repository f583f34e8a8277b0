/* open_close PROCESSOR COUNT PATH: opens and closes a file so many times, and prints the median in nanoseconds. */
#include "samples.h"
#include <fcntl.h>
#include <unistd.h>

static int open_close(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    return close(fd);
}

int main(int argc, char **argv) {
    return measure(argc, argv, open_close);
}
