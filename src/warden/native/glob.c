#define _GNU_SOURCE
#include "glob.h"
#include <limits.h>
#include <stdlib.h>

/* A segment is `**`, or pieces of text with stars between them: one piece is the text itself. */
struct piece {
    const char *text;
    size_t size;
};

struct segment {
    bool any;
    bool alone; /* a star and nothing else: at least one character */
    size_t first, count; /* of its pieces */
};

struct glob {
    struct segment *segments; /* one more than `count`: `**`, for what lies below */
    size_t count;
    struct piece *pieces;
    char *text; /* of the pieces, unescaped */
    /* The segments before the first star, joined: every match begins with it. */
    char *literal;
    size_t literal_size, literal_segments;
    bool pure; /* there is no star */
};

static bool escapable(char c) { return c && strchr("*?[]{}!\\", c); }
static bool reserved(char c) { return c && strchr("?[]{}", c); }

/* Cuts the pattern up. False: it is not of the dialect. */
static bool parse(struct glob *g, const char *pattern, size_t size) {
    char *out = g->text;
    size_t pieces = 0;
    struct segment *s = g->segments;
    *s = (struct segment){.first = 0, .count = 1};
    g->pieces[pieces] = (struct piece){out, 0};
    for (size_t i = 0; i <= size; i++) {
        struct piece *p = &g->pieces[pieces];
        if (i == size || pattern[i] == '/') {
            bool empty = true;
            for (size_t k = s->first; k <= pieces; k++)
                empty &= g->pieces[k].size == 0;
            s->count = pieces + 1 - s->first;
            s->any = empty && s->count == 3;
            s->alone = empty && s->count == 2;
            /* `**` stands alone between separators. */
            for (size_t k = s->first + 1; !s->any && k < pieces; k++)
                if (g->pieces[k].size == 0)
                    return false;
            g->count++;
            if (i == size)
                break;
            *++s = (struct segment){.first = ++pieces, .count = 1};
            g->pieces[pieces] = (struct piece){out, 0};
        } else if (pattern[i] == '*') {
            g->pieces[++pieces] = (struct piece){out, 0};
        } else if (pattern[i] == '\\') {
            if (++i == size || !escapable(pattern[i]))
                return false;
            *out++ = pattern[i];
            p->size++;
        } else if (reserved(pattern[i]) || (i == 0 && pattern[i] == '!') || pattern[i] == 0) {
            return false;
        } else {
            *out++ = pattern[i];
            p->size++;
        }
    }
    g->segments[g->count] = (struct segment){.any = true};
    return true;
}

static void find_literal(struct glob *g) {
    char *out = g->literal;
    size_t i = 0;
    for (; i < g->count && !g->segments[i].any && g->segments[i].count == 1; i++) {
        const struct piece *p = &g->pieces[g->segments[i].first];
        if (i > 0)
            *out++ = '/';
        memcpy(out, p->text, p->size);
        out += p->size;
    }
    *out = 0;
    g->literal_size = (size_t)(out - g->literal);
    g->literal_segments = i;
    g->pure = i == g->count;
}

struct glob *glob_compile(struct slice pattern) {
    struct glob *g = calloc(1, sizeof *g);
    if (!g || pattern.size > PATH_MAX)
        goto failed;
    g->segments = calloc(pattern.size + 2, sizeof *g->segments);
    g->pieces = calloc(pattern.size + 2, sizeof *g->pieces);
    g->text = malloc(pattern.size + 1);
    g->literal = malloc(pattern.size + 2);
    if (!g->segments || !g->pieces || !g->text || !g->literal || !parse(g, (const char *)pattern.data, pattern.size))
        goto failed;
    find_literal(g);
    return g;
failed:
    glob_free(g);
    return NULL;
}

void glob_free(struct glob *g) {
    if (!g)
        return;
    free(g->segments);
    free(g->pieces);
    free(g->text);
    free(g->literal);
    free(g);
}

static bool segment_matches(const struct glob *g, const struct segment *s, const char *text, size_t size) {
    const struct piece *first = &g->pieces[s->first], *last = first + s->count - 1;
    if (s->count == 1)
        return size == first->size && memcmp(text, first->text, size) == 0;
    if (s->alone)
        return size > 0;
    if (size < first->size + last->size || memcmp(text, first->text, first->size) != 0 ||
        memcmp(text + size - last->size, last->text, last->size) != 0)
        return false;
    const char *at = text + first->size, *end = text + size - last->size;
    for (const struct piece *p = first + 1; p < last; p++) {
        const char *found = memmem(at, (size_t)(end - at), p->text, p->size);
        if (!found)
            return false;
        at = found + p->size;
    }
    return true;
}

static size_t segment_size(const char *text, size_t size) {
    const char *slash = memchr(text, '/', size);
    return slash ? (size_t)(slash - text) : size;
}

/* The classic walk: on a mismatch, the last `**` swallows one segment more. `at` of `size` + 1 is past the last one. */
static bool walk(const struct glob *g, size_t count, const char *text, size_t size) {
    size_t at = 0, segment = 0, resume = 0, star = SIZE_MAX;
    while (at <= size) {
        size_t length = segment_size(text + at, size - at);
        if (segment < count && g->segments[segment].any) {
            star = segment++;
            resume = at;
        } else if (segment < count && segment_matches(g, &g->segments[segment], text + at, length)) {
            segment++;
            at += length + 1;
        } else if (star != SIZE_MAX) {
            resume += segment_size(text + resume, size - resume) + 1;
            segment = star + 1;
            at = resume;
        } else {
            return false;
        }
    }
    while (segment < count && g->segments[segment].any)
        segment++;
    return segment == count;
}

bool glob_matches(const struct glob *g, const char *text, size_t size) {
    if (g->pure)
        return size == g->literal_size && memcmp(text, g->literal, size) == 0;
    return walk(g, g->count, text, size);
}

/* Whether the text is the literal part, or goes on below it. */
static bool begins(const struct glob *g, const char *path, size_t size) {
    size_t literal = g->literal_size;
    return size >= literal && memcmp(path, g->literal, literal) == 0 &&
           (size == literal || path[literal] == '/' || g->literal_segments == 0);
}

static bool is_root(const struct glob *g) { return g->pure && g->literal_size == 1 && g->literal[0] == '/'; }

bool glob_covers(const struct glob *g, const char *path, size_t size) {
    if (is_root(g))
        return path[0] == '/';
    return begins(g, path, size) && (g->pure || walk(g, g->count + 1, path, size));
}

static void enter(const struct glob *g, bool *states, size_t segment) {
    states[segment] = true;
    while (segment < g->count && g->segments[segment].any)
        states[++segment] = true;
}

bool glob_reaches_below(const struct glob *g, const char *directory, size_t size) {
    if (is_root(g) || (size == 1 && directory[0] == '/'))
        return true;
    /* Where in the pattern one may be, after each segment of the directory; the end of it stands for everything below. */
    bool *states = calloc(2 * (g->count + 1), sizeof *states), *next = states + g->count + 1, alive = true;
    if (!states)
        return true;
    enter(g, states, 0);
    for (size_t at = 0; alive && at <= size;) {
        size_t length = segment_size(directory + at, size - at);
        memset(next, 0, (g->count + 1) * sizeof *next);
        alive = false;
        for (size_t i = 0; i <= g->count; i++) {
            if (!states[i])
                continue;
            if (i == g->count || g->segments[i].any)
                enter(g, next, i);
            else if (segment_matches(g, &g->segments[i], directory + at, length))
                enter(g, next, i + 1);
            else
                continue;
            alive = true;
        }
        memcpy(states, next, (g->count + 1) * sizeof *next);
        at += length + 1;
    }
    free(states);
    return alive;
}

static bool lies_below(const struct glob *g, const char *path) {
    size_t size = strlen(path);
    return begins(g, path, size) && size > g->literal_size;
}

/* A tail of one segment is looked for in each component by itself: those of the names do not match it, for they are not
 * covered, and those below are the same after the rename. */
bool glob_survives_rename(const struct glob *g, const char *from, const char *to) {
    bool tail_of_one = g->count == g->literal_segments + 2 && g->segments[g->literal_segments].any &&
                       !g->segments[g->literal_segments + 1].any;
    if (tail_of_one && lies_below(g, from) && lies_below(g, to))
        return true;
    return !glob_reaches_below(g, from, strlen(from)) && !glob_reaches_below(g, to, strlen(to));
}
