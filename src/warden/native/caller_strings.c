#define _GNU_SOURCE
#include "caller_strings.h"
#include "caller.h"
#include <errno.h>
#include <stdlib.h>

void caller_pages_begin(struct caller_pages *pages, const struct notice *notice) {
    pages->notice = notice;
    pages->count = pages->next = 0;
}

/* The page at the address, which may go with the next look; NULL: it cannot be read. */
static const uint8_t *page_at(struct caller_pages *p, uint64_t address) {
    for (size_t i = 0; i < p->count; i++)
        if (p->address[i] == address)
            return p->bytes[i];
    size_t slot = p->next;
    /* Nothing may be found in a page that was read in part. */
    p->address[slot] = UINT64_MAX;
    if (!caller_peek(p->notice, address, p->bytes[slot], CALLER_PAGE_BYTES))
        return NULL;
    p->address[slot] = address;
    p->next = (slot + 1) % CALLER_PAGES;
    if (p->count < CALLER_PAGES)
        p->count++;
    return p->bytes[slot];
}

/* What is left of the page from the address on. */
static bool look(struct caller_pages *p, uint64_t address, struct slice *part) {
    size_t skipped = (size_t)(address % CALLER_PAGE_BYTES);
    const uint8_t *page = page_at(p, address - skipped);
    if (page)
        *part = (struct slice){page + skipped, CALLER_PAGE_BYTES - skipped};
    return page;
}

bool caller_pages_text(struct caller_pages *pages, uint64_t address, char *text, size_t capacity) {
    for (size_t done = 0; done < capacity;) {
        struct slice part;
        if (!look(pages, address + done, &part))
            return false;
        size_t count = part.size < capacity - done ? part.size : capacity - done;
        const uint8_t *end = memchr(part.data, 0, count);
        if (end)
            count = (size_t)(end - part.data) + 1;
        memcpy(text + done, part.data, count);
        if (end)
            return true;
        done += count;
    }
    errno = ENAMETOOLONG;
    return false;
}

static bool read_pointer(struct caller_pages *p, uint64_t address, uint64_t *pointer) {
    uint8_t bytes[sizeof *pointer];
    for (size_t done = 0; done < sizeof bytes;) {
        struct slice part;
        if (!look(p, address + done, &part))
            return false;
        size_t count = part.size < sizeof bytes - done ? part.size : sizeof bytes - done;
        memcpy(bytes + done, part.data, count);
        done += count;
    }
    memcpy(pointer, bytes, sizeof bytes);
    return true;
}

static int read_string(struct caller_pages *p, uint64_t address, struct strings *strings) {
    for (size_t length = 0;;) {
        struct slice part;
        if (!look(p, address + length, &part))
            return errno;
        const uint8_t *end = memchr(part.data, 0, part.size);
        size_t count = end ? (size_t)(end - part.data) + 1 : part.size;
        length += count;
        if (length > STRING_BYTES_MAX || strings->text.size + count > STRINGS_BYTES_MAX)
            return E2BIG;
        buffer_append(&strings->text, part.data, count);
        if (end)
            break;
    }
    strings->count++;
    return 0;
}

int caller_strings(struct caller_pages *pages, uint64_t address, struct strings *strings) {
    if (address == 0)
        return 0;
    for (;; address += sizeof(uint64_t)) {
        uint64_t pointer;
        if (!read_pointer(pages, address, &pointer))
            return errno;
        if (pointer == 0)
            return 0;
        if (strings->count == STRINGS_COUNT_MAX)
            return E2BIG;
        int error = read_string(pages, pointer, strings);
        if (error)
            return error;
    }
}

void strings_add(struct strings *strings, const char *text) {
    buffer_append(&strings->text, text, strlen(text) + 1);
    strings->count++;
}

void strings_free(struct strings *strings) {
    buffer_free(&strings->text);
    *strings = (struct strings){0};
}

struct slice strings_rest(const struct strings *strings) {
    if (strings->count == 0)
        return (struct slice){0};
    size_t first = strlen((const char *)strings->text.data) + 1;
    return (struct slice){strings->text.data + first, strings->text.size - first};
}

char **strings_vector(const struct strings *strings) {
    size_t pointers = (strings->count + 1) * sizeof(char *);
    char **vector = malloc(pointers + strings->text.size);
    if (!vector)
        return NULL;
    char *text = (char *)vector + pointers;
    if (strings->text.size)
        memcpy(text, strings->text.data, strings->text.size);
    for (size_t i = 0; i < strings->count; i++) {
        vector[i] = text;
        text += strlen(text) + 1;
    }
    vector[strings->count] = NULL;
    return vector;
}
