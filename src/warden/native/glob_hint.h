/* Eight bytes that every match of a glob has at one place: most rules are not about a path, and these tell at once. */
#pragma once
#include "glob.h"

struct glob_hint {
    uint64_t word, mask;
    uint32_t at; /* 0 where the mask is not full */
};

/* A text, with its first bytes; zeros after its end. */
struct hinted_text {
    const char *data;
    size_t size;
    uint64_t head;
};

struct glob_hint glob_hint(const struct glob *glob);

static inline struct hinted_text hinted_text(const char *text) {
    struct hinted_text hinted = {text, strlen(text), 0};
    memcpy(&hinted.head, text, hinted.size < sizeof hinted.head ? hinted.size : sizeof hinted.head);
    return hinted;
}

/* Whether the glob neither matches nor covers the text. False says nothing. */
static inline bool glob_hint_excludes(const struct glob_hint *hint, const struct hinted_text *text) {
    uint64_t word = text->head;
    if (hint->at) {
        if (text->size < hint->at + sizeof word)
            return true;
        memcpy(&word, text->data + hint->at, sizeof word);
    }
    return (word & hint->mask) != hint->word;
}
