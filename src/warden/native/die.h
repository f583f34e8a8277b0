/* The warden's only way to give up: it is PID 1, so everything in the sandbox ends with it. */
#pragma once

/* Says why on the error output and ends. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
/* The same with the text of errno. */
__attribute__((noreturn, format(printf, 1, 2))) void die_errno(const char *format, ...);
