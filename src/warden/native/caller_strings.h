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

/* The pages of the caller that were read last: what a start names lies side by side, and each look into another process
 * is a call. They may be of another thread that got the caller's number: in the end notice_is_live tells. */
enum { CALLER_PAGES = 3, CALLER_PAGE_BYTES = 4096 };
struct caller_pages {
    const struct notice *notice;
    size_t count, next;
    uint64_t address[CALLER_PAGES];
    uint8_t bytes[CALLER_PAGES][CALLER_PAGE_BYTES];
};

void caller_pages_begin(struct caller_pages *pages, const struct notice *notice);
/* As caller_text. */
bool caller_pages_text(struct caller_pages *pages, uint64_t address, char *text, size_t capacity);
/* Appends the strings of the vector at the address. 0, or the errno that the caller is to see. */
int caller_strings(struct caller_pages *pages, uint64_t address, struct strings *strings);
void strings_add(struct strings *strings, const char *text);
void strings_free(struct strings *strings);
/* Without its first string. */
struct slice strings_rest(const struct strings *strings);
/* A NULL-terminated array of copies in one allocation; NULL: no memory. */
char **strings_vector(const struct strings *strings);
