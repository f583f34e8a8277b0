/* The vectors of strings that execve is given, read once from the caller's memory. */
#pragma once
#include "bytes.h"
#include "notice.h"

/* Strings one after the other, each with its NUL, as the kernel lays them out in the new program. */
struct strings {
    struct buffer text;
    size_t count;
};

/* Together the vectors of one call may have so much; the kernel's own bounds are of this order. */
enum { STRINGS_BYTES_MAX = 2 << 20, STRINGS_COUNT_MAX = 65536, STRING_BYTES_MAX = 131072 };

/* Appends the strings of the vector at the address. 0, or the errno that the caller is to see. */
int caller_strings(const struct notice *notice, uint64_t address, struct strings *strings);
void strings_add(struct strings *strings, const char *text);
void strings_free(struct strings *strings);
/* Without its first string. */
struct slice strings_rest(const struct strings *strings);
/* A NULL-terminated array of copies in one allocation; NULL: no memory. */
char **strings_vector(const struct strings *strings);
