/* The first line of a script, read as the kernel reads it (fs/binfmt_script.c). */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* So much of a file the kernel looks at (BINPRM_BUF_SIZE), and so many scripts may lead to each other. */
enum { SHEBANG_BYTES = 256, SHEBANG_LEVELS = 5 };

struct shebang {
    char interpreter[SHEBANG_BYTES]; /* as written, perhaps empty; relative paths start from the working directory */
    bool has_argument;
    char argument[SHEBANG_BYTES];
};

/* `size` bytes from the beginning of a file. False: the kernel takes it for no script. */
bool shebang_parse(const char *bytes, size_t size, struct shebang *shebang);
