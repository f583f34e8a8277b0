#include "die.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_GAVE_UP = 78 };

static void say(const char *format, va_list arguments, const char *reason) {
    char text[1024];
    int used = snprintf(text, sizeof text, "warden: ");
    used += vsnprintf(text + used, sizeof text - (size_t)used, format, arguments);
    if (used > (int)sizeof text - 1)
        used = (int)sizeof text - 1;
    if (reason)
        used += snprintf(text + used, sizeof text - (size_t)used, ": %s", reason);
    if (used > (int)sizeof text - 2)
        used = (int)sizeof text - 2;
    text[used++] = '\n';
    (void)!write(2, text, (size_t)used);
}

void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments, NULL);
    va_end(arguments);
    _exit(EXIT_GAVE_UP);
}

void die_errno(const char *format, ...) {
    const char *reason = strerror(errno);
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments, reason);
    va_end(arguments);
    _exit(EXIT_GAVE_UP);
}
