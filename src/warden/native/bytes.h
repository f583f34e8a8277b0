/* Byte slices, strict reading of them, and a growing buffer for writing. Nothing here trusts its input. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *data;
    size_t size;
};

/* A list of slices, still encoded; list_next walks it. The decoder has checked every element. */
struct list {
    uint32_t count;
    struct slice raw;
};

struct cursor {
    const uint8_t *at;
    size_t left;
};

struct buffer {
    uint8_t *data;
    size_t size, capacity;
};

bool cursor_u8(struct cursor *c, uint8_t *value);
bool cursor_u32(struct cursor *c, uint32_t *value);
bool cursor_u64(struct cursor *c, uint64_t *value);
bool cursor_bytes(struct cursor *c, struct slice *value);
bool cursor_list(struct cursor *c, struct list *value);
bool list_next(struct list *list, struct slice *element);

void buffer_reserve(struct buffer *b, size_t more);
void buffer_append(struct buffer *b, const void *data, size_t size);
void buffer_u8(struct buffer *b, uint8_t value);
void buffer_u32(struct buffer *b, uint32_t value);
void buffer_u64(struct buffer *b, uint64_t value);
void buffer_bytes(struct buffer *b, struct slice value);
void buffer_list(struct buffer *b, struct list value);
void buffer_free(struct buffer *b);

static inline struct slice slice_of(const char *text) {
    return (struct slice){(const uint8_t *)text, strlen(text)};
}

/* A NUL-terminated copy on the heap, or NULL if the slice holds a NUL itself. */
char *slice_string(struct slice s);
/* A NULL-terminated array of such copies, or NULL. One allocation: free() it. */
char **list_strings(struct list list);
