#define _GNU_SOURCE
#include "terminal.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { SIZE_MAX_CELLS = 10000 };

bool terminal_open(int *outer, int *inner) {
    *outer = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (*outer < 0)
        return false;
    int unlock = 0;
    if (ioctl(*outer, TIOCSPTLCK, &unlock))
        return false;
    /* By descriptor: the path of the inner end could be anything that is mounted there. */
    *inner = ioctl(*outer, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return *inner >= 0;
}

static unsigned short cells(uint32_t count, unsigned short standard) {
    return count == 0 || count > SIZE_MAX_CELLS ? standard : (unsigned short)count;
}

void terminal_resize(int outer, uint32_t rows, uint32_t columns) {
    struct winsize size = {.ws_row = cells(rows, 24), .ws_col = cells(columns, 80)};
    ioctl(outer, TIOCSWINSZ, &size);
}

void terminal_end_of_file(int outer) {
    struct termios settings;
    char character = 4;
    if (tcgetattr(outer, &settings) == 0)
        character = (char)settings.c_cc[VEOF];
    (void)!write(outer, &character, 1);
}
