#define _GNU_SOURCE
#include "shebang.h"
#include <string.h>

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* Both return NULL if there is none up to `last`, which belongs to the range. */
static char *skip_blanks(char *at, const char *last) {
    for (; at <= last; at++)
        if (!is_blank(*at))
            return at;
    return NULL;
}

static char *find_end_of_word(char *at, const char *last) {
    for (; at <= last; at++)
        if (is_blank(*at) || !*at)
            return at;
    return NULL;
}

bool shebang_parse(const char *bytes, size_t size, struct shebang *shebang) {
    char line[SHEBANG_BYTES + 1] = {0}; /* as the kernel's: zeros after the end of a short file */
    memcpy(line, bytes, size < SHEBANG_BYTES ? size : SHEBANG_BYTES);
    if (line[0] != '#' || line[1] != '!')
        return false;
    char *last = line + SHEBANG_BYTES - 1;
    /* A newline behind a NUL is none to the kernel either. */
    char *end = memchr(line, '\n', strnlen(line, SHEBANG_BYTES));
    if (!end) {
        /* A path that may have been cut must not be run; arguments may be cut. */
        char *name = skip_blanks(line + 2, last);
        if (!name || !find_end_of_word(name, last))
            return false;
        end = last;
    }
    while (is_blank(end[-1]))
        end--;
    char *name = skip_blanks(line + 2, end);
    if (!name || name == end)
        return false;
    char *gap = find_end_of_word(name, end), *argument = NULL;
    if (gap && *gap)
        argument = skip_blanks(gap, end);
    *end = 0;
    if (argument)
        *gap = 0;
    shebang->has_argument = argument != NULL;
    strcpy(shebang->argument, argument ? argument : "");
    strcpy(shebang->interpreter, name);
    return true;
}
