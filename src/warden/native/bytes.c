#include "bytes.h"
#include "die.h"
#include "protocol.gen.h"
#include <stdlib.h>

static bool take(struct cursor *c, void *out, size_t size) {
    if (c->left < size)
        return false;
    memcpy(out, c->at, size);
    c->at += size;
    c->left -= size;
    return true;
}

/* The protocol is little-endian, and so is every machine that the warden is built for. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian machines only");

bool cursor_u8(struct cursor *c, uint8_t *value) { return take(c, value, sizeof *value); }
bool cursor_u32(struct cursor *c, uint32_t *value) { return take(c, value, sizeof *value); }
bool cursor_u64(struct cursor *c, uint64_t *value) { return take(c, value, sizeof *value); }

bool cursor_bytes(struct cursor *c, struct slice *value) {
    uint32_t size;
    if (!cursor_u32(c, &size) || c->left < size)
        return false;
    *value = (struct slice){c->at, size};
    c->at += size;
    c->left -= size;
    return true;
}

bool cursor_list(struct cursor *c, struct list *value) {
    uint32_t count;
    if (!cursor_u32(c, &count) || count > MAX_LIST_LENGTH)
        return false;
    const uint8_t *start = c->at;
    struct slice ignored;
    for (uint32_t i = 0; i < count; i++)
        if (!cursor_bytes(c, &ignored))
            return false;
    *value = (struct list){count, {start, (size_t)(c->at - start)}};
    return true;
}

bool list_next(struct list *list, struct slice *element) {
    if (list->count == 0)
        return false;
    struct cursor c = {list->raw.data, list->raw.size};
    if (!cursor_bytes(&c, element))
        return false;
    *list = (struct list){list->count - 1, {c.at, c.left}};
    return true;
}

void buffer_reserve(struct buffer *b, size_t more) {
    if (b->capacity - b->size >= more)
        return;
    size_t capacity = b->capacity ? b->capacity : 256;
    while (capacity - b->size < more)
        capacity *= 2;
    uint8_t *data = realloc(b->data, capacity);
    if (!data)
        die("out of memory");
    b->data = data;
    b->capacity = capacity;
}

void buffer_append(struct buffer *b, const void *data, size_t size) {
    if (size == 0)
        return;
    buffer_reserve(b, size);
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

void buffer_u8(struct buffer *b, uint8_t value) { buffer_append(b, &value, sizeof value); }
void buffer_u32(struct buffer *b, uint32_t value) { buffer_append(b, &value, sizeof value); }
void buffer_u64(struct buffer *b, uint64_t value) { buffer_append(b, &value, sizeof value); }

void buffer_bytes(struct buffer *b, struct slice value) {
    buffer_u32(b, (uint32_t)value.size);
    buffer_append(b, value.data, value.size);
}

void buffer_list(struct buffer *b, struct list value) {
    buffer_u32(b, value.count);
    buffer_append(b, value.raw.data, value.raw.size);
}

void buffer_free(struct buffer *b) {
    free(b->data);
    *b = (struct buffer){0};
}

char *slice_string(struct slice s) {
    if (s.size && memchr(s.data, 0, s.size))
        return NULL;
    char *text = malloc(s.size + 1);
    if (!text)
        die("out of memory");
    if (s.size)
        memcpy(text, s.data, s.size);
    text[s.size] = 0;
    return text;
}

char **list_strings(struct list list) {
    size_t pointers = ((size_t)list.count + 1) * sizeof(char *);
    char **strings = malloc(pointers + list.raw.size + 1);
    if (!strings)
        die("out of memory");
    char *at = (char *)strings + pointers;
    size_t i = 0;
    struct slice element;
    while (list_next(&list, &element)) {
        if (element.size && memchr(element.data, 0, element.size)) {
            free(strings);
            return NULL;
        }
        strings[i++] = at;
        if (element.size)
            memcpy(at, element.data, element.size);
        at[element.size] = 0;
        at += element.size + 1;
    }
    strings[i] = NULL;
    return strings;
}
