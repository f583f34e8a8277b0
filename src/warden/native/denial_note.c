#define _GNU_SOURCE
#include "denial_note.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOTES_MAX = 64 * 1024, NOTE_MAX = 8192 };
static const char NOTES[] = "/tmp/.cofferdam-denials";

static const char *explain(uint8_t reason) {
    switch (reason) {
    case REASON_RULE: return "a rule of the policy denies it";
    case REASON_UNMATCHED: return "no rule of the policy allows it";
    case REASON_FLOOR: return "the sandbox does not grant it";
    case REASON_ANSWER: return "it was asked about, and not allowed";
    case REASON_DEADLINE: return "nobody answered in time";
    case REASON_CROWDED: return "too many decisions are waiting";
    case REASON_LOADER: return "the dynamic loader may not be started by itself";
    case REASON_MEMORY_FILE: return "a program must be a file that has a name";
    case REASON_UNREADABLE: return "a program that cannot be read cannot be judged";
    case REASON_LOADER_VARIABLE: return "a variable makes the loader read what the sandbox may change";
    case REASON_INTERPRETER: return "the interpreter of the script is not allowed";
    case REASON_SET_ID: return "set-id bits are not given in a shared folder";
    case REASON_AROUND_RULE: return "it would carry files past a rule; copy them instead";
    case REASON_NO_IPV6: return "IPv6 addresses are not carried; use the name";
    case REASON_NO_NAME: return "no name has this address; ask the sandbox's name server";
    default: return "the policy does not allow it";
    }
}

/* As the inside of a JSON string: what is no printable ASCII, or means something, becomes \u00XX. */
static size_t escape(char *out, size_t capacity, const char *text) {
    size_t size = 0;
    for (; *text && size + 7 < capacity; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
            size += (size_t)snprintf(out + size, 7, "\\u%04x", c);
        else
            out[size++] = (char)c;
    }
    out[size] = 0;
    return size;
}

/* The agent may have put anything there. */
static bool is_ours_to_write(int fd) {
    struct stat found;
    return fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && found.st_nlink == 1 && found.st_size < NOTES_MAX;
}

void denial_note(const struct decision *d) {
    int fd = open(NOTES, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (is_ours_to_write(fd)) {
        char path[NOTE_MAX / 2], line[NOTE_MAX];
        escape(path, sizeof path, d->path);
        int size = snprintf(line, sizeof line, "{\"denied\":\"%s\",\"path\":\"%s\",\"why\":\"%s\"}\n",
                            d->domain == DOMAIN_PROCESS   ? "start"
                            : d->domain == DOMAIN_NETWORK ? "connection"
                                                          : "file",
                            path, explain(d->reason));
        if (size > 0 && write(fd, line, (size_t)size) < 0)
            size = 0; /* There is nobody to tell. */
    }
    close(fd);
}
