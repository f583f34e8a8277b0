/* What a directory's name decides about everything below it.
 *
 * A pattern is a machine that reads names: its states are the places between its segments, and after the names of a
 * directory it is in some set of them. Whether a path below is covered depends on this set and on the names that
 * follow, and on nothing else of the directory. So an empty set reaches nothing, and two directories of one set hold
 * paths of the same verdicts: that is why glob_survives_rename() is never wrongly true, whatever the pattern. */
#define _GNU_SOURCE
#include "glob_parts.h"
#include <limits.h>

/* A bit for each state: as many as a pattern of PATH_MAX slashes has segments, and the end. */
enum { WORD_BITS = 64, WORDS_MAX = PATH_MAX / WORD_BITS + 1 };
_Static_assert(WORDS_MAX * WORD_BITS > PATH_MAX + 1, "room for the end");

struct states {
    uint64_t words[WORDS_MAX];
};

static size_t words_of(const struct glob *g) { return g->tree_count / WORD_BITS + 1; }

static bool holds(const struct states *s, size_t state) { return s->words[state / WORD_BITS] >> state % WORD_BITS & 1; }

static void enter(const struct glob *g, struct states *s, size_t state) {
    for (bool more = true; more; state++) {
        s->words[state / WORD_BITS] |= UINT64_C(1) << state % WORD_BITS;
        /* `**` may stand for nothing. */
        more = state < g->tree_count && g->segments[state].kind == SEGMENT_ANY;
    }
}

static void step(const struct glob *g, struct states *states, const char *name, size_t size) {
    struct states next = {0};
    for (size_t word = 0; word < words_of(g); word++)
        for (uint64_t left = states->words[word]; left; left &= left - 1) {
            size_t state = word * WORD_BITS + (size_t)__builtin_ctzll(left);
            /* The end is a tree's root: what lies below it stays covered. */
            if (state == g->tree_count || g->segments[state].kind == SEGMENT_ANY)
                enter(g, &next, state);
            else if (segment_matches(g, &g->segments[state], name, size))
                enter(g, &next, state + 1);
        }
    *states = next;
}

static bool is_empty(const struct glob *g, const struct states *states) {
    uint64_t any = 0;
    for (size_t word = 0; word < words_of(g); word++)
        any |= states->words[word];
    return !any;
}

static void read_directory(const struct glob *g, const char *directory, size_t size, struct states *states) {
    while (size && directory[size - 1] == '/')
        size--;
    *states = (struct states){0};
    enter(g, states, 0);
    for (size_t at = 0; at <= size && !is_empty(g, states);) {
        size_t name = name_size(directory + at, size - at);
        step(g, states, directory + at, name);
        at += name + 1;
    }
}

bool glob_reaches_below(const struct glob *g, const char *directory, size_t size) {
    struct states states;
    read_directory(g, directory, size, &states);
    return !is_empty(g, &states);
}

bool glob_survives_rename(const struct glob *g, const char *from, const char *to) {
    struct states before, after;
    read_directory(g, from, strlen(from), &before);
    read_directory(g, to, strlen(to), &after);
    if (holds(&before, g->tree_count) || holds(&after, g->tree_count))
        return holds(&before, g->tree_count) && holds(&after, g->tree_count);
    return memcmp(&before, &after, sizeof before) == 0;
}
