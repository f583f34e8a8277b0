#define _GNU_SOURCE
#include "plumbing.h"
#include "protocol.gen.h"
#include "terminal.h"
#include <fcntl.h>
#include <unistd.h>

void plumbing_close(struct plumbing *p) {
    for (int i = 0; i < 3; i++) {
        if (p->child[i] >= 0)
            close(p->child[i]);
        if (p->warden[i] >= 0)
            close(p->warden[i]);
    }
}

static bool pipe_for(struct plumbing *p, int channel) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return false;
    bool input = channel == CHANNEL_STDIN;
    p->child[channel] = ends[input ? 0 : 1];
    p->warden[channel] = ends[input ? 1 : 0];
    return fcntl(p->warden[channel], F_SETFL, O_NONBLOCK) == 0;
}

bool plumb_pipes(struct plumbing *p, bool with_input) {
    if (!pipe_for(p, CHANNEL_STDOUT) || !pipe_for(p, CHANNEL_STDERR))
        return false;
    if (with_input)
        return pipe_for(p, CHANNEL_STDIN);
    p->child[CHANNEL_STDIN] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return p->child[CHANNEL_STDIN] >= 0;
}

bool plumb_terminal(struct plumbing *p, uint32_t rows, uint32_t columns) {
    int inner;
    if (!terminal_open(&p->warden[CHANNEL_STDOUT], &inner))
        return false;
    p->child[CHANNEL_STDIN] = inner;
    terminal_resize(p->warden[CHANNEL_STDOUT], rows, columns);
    p->warden[CHANNEL_STDIN] = fcntl(p->warden[CHANNEL_STDOUT], F_DUPFD_CLOEXEC, 0);
    p->child[CHANNEL_STDOUT] = fcntl(inner, F_DUPFD_CLOEXEC, 0);
    p->child[CHANNEL_STDERR] = fcntl(inner, F_DUPFD_CLOEXEC, 0);
    return p->warden[CHANNEL_STDIN] >= 0 && p->child[CHANNEL_STDOUT] >= 0 && p->child[CHANNEL_STDERR] >= 0;
}
