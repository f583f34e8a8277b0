#define _GNU_SOURCE
#include "caller_strings.h"
#include "caller.h"
#include <errno.h>
#include <stdlib.h>

enum { PAGE = 4096 };

/* The page that was read last: strings and pointers lie side by side, and each look into another process is a call. */
struct window {
    const struct notice *notice;
    uint64_t page;
    bool filled;
    uint8_t bytes[PAGE];
};

/* What is left of the page from the address on. */
static bool look(struct window *w, uint64_t address, struct slice *part) {
    uint64_t page = address & ~(uint64_t)(PAGE - 1);
    if (!w->filled || w->page != page) {
        w->filled = false;
        if (!caller_bytes(w->notice, page, w->bytes, PAGE))
            return false;
        w->page = page;
        w->filled = true;
    }
    size_t skipped = (size_t)(address - page);
    *part = (struct slice){w->bytes + skipped, PAGE - skipped};
    return true;
}

static bool read_pointer(struct window *w, uint64_t address, uint64_t *pointer) {
    uint8_t bytes[sizeof *pointer];
    for (size_t done = 0; done < sizeof bytes;) {
        struct slice part;
        if (!look(w, address + done, &part))
            return false;
        size_t count = part.size < sizeof bytes - done ? part.size : sizeof bytes - done;
        memcpy(bytes + done, part.data, count);
        done += count;
    }
    memcpy(pointer, bytes, sizeof bytes);
    return true;
}

static int read_string(struct window *w, uint64_t address, struct strings *strings) {
    for (size_t length = 0;;) {
        struct slice part;
        if (!look(w, address + length, &part))
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

int caller_strings(const struct notice *notice, uint64_t address, struct strings *strings) {
    struct window pointers = {.notice = notice}, texts = {.notice = notice};
    if (address == 0)
        return 0;
    for (;; address += sizeof(uint64_t)) {
        uint64_t pointer;
        if (!read_pointer(&pointers, address, &pointer))
            return errno;
        if (pointer == 0)
            return 0;
        if (strings->count == STRINGS_COUNT_MAX)
            return E2BIG;
        int error = read_string(&texts, pointer, strings);
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
