/* What a glob is made of: for the files that compile it and ask it, and for nobody else. */
#pragma once
#include "glob.h"

enum segment_kind {
    SEGMENT_LITERAL,
    SEGMENT_SOME,  /* a star and nothing else: at least one character */
    SEGMENT_STARS, /* pieces of text with stars between them */
    SEGMENT_ANY,   /* `**`: any number of segments */
};

/* Text, by where it begins in the glob's. Patterns have at most PATH_MAX bytes. */
struct piece {
    uint16_t at, size;
};

struct segment {
    uint8_t kind;
    uint16_t pieces, first; /* of SEGMENT_STARS */
    uint16_t at, size;      /* all its text without the stars: what it matches has no less */
};

/* One block of memory. `text` is the pattern unescaped, slashes included and stars left out. */
struct glob {
    uint16_t count;
    uint16_t tree_count; /* the segments that stand for a tree: `/` has two, but its tree is below the first */
    uint16_t literal;    /* segments before the first that is none */
    uint16_t prefix;     /* their text, slashes between: every match begins with it */
    const char *text;
    const struct segment *segments;
    const struct piece *pieces;
};

bool segment_matches(const struct glob *glob, const struct segment *segment, const char *name, size_t size);

/* The length of the name at the beginning of a text. */
static inline size_t name_size(const char *text, size_t size) {
    const char *slash = memchr(text, '/', size);
    return slash ? (size_t)(slash - text) : size;
}
