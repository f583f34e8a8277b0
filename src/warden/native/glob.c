#define _GNU_SOURCE
#include "die.h"
#include "glob_hint.h"
#include "glob_parts.h"
#include <limits.h>
#include <stdlib.h>

static bool is_one_of(const char *set, uint8_t byte) { return byte && strchr(set, byte); }

/* What a pattern takes in memory. */
struct extent {
    size_t segments, stars, text;
};

/* Whether the pattern is of the dialect: as globProblem() in src/policy/glob.ts. */
static bool measure(struct slice pattern, struct extent *extent) {
    size_t stars = 0, others = 0;
    bool adjacent = false, after_star = false;
    if (pattern.size > PATH_MAX || (pattern.size && pattern.data[0] == '!'))
        return false;
    for (size_t i = 0; i <= pattern.size; i++) {
        uint8_t byte = i < pattern.size ? pattern.data[i] : '/';
        bool star = byte == '*';
        if (byte == '/') {
            /* `**` stands alone between separators. */
            if (adjacent && (stars != 2 || others))
                return false;
            extent->segments++;
            extent->text += i < pattern.size;
            stars = others = 0;
            adjacent = false;
        } else if (star) {
            adjacent |= after_star;
            stars++;
            extent->stars++;
        } else {
            if (byte == '\\' && (++i == pattern.size || !is_one_of("*?[]{}!\\", pattern.data[i])))
                return false;
            if (byte == 0 || is_one_of("?[]{}", byte))
                return false;
            others++;
            extent->text++;
        }
        after_star = star;
    }
    return true;
}

static struct segment read_segment(const uint8_t **at, const uint8_t *end, char *text, size_t *used,
                                   struct piece *pieces, size_t *piece) {
    struct segment s = {.first = (uint16_t)*piece, .at = (uint16_t)*used};
    struct piece *p = &pieces[(*piece)++];
    *p = (struct piece){s.at, 0};
    for (; *at < end && **at != '/'; (*at)++) {
        if (**at == '*') {
            p = &pieces[(*piece)++];
            *p = (struct piece){(uint16_t)*used, 0};
            continue;
        }
        *at += **at == '\\';
        text[(*used)++] = (char)**at;
        p->size++;
    }
    s.pieces = (uint16_t)(*piece - s.first);
    s.size = (uint16_t)(*used - s.at);
    if (s.pieces == 1)
        s.kind = SEGMENT_LITERAL;
    else
        s.kind = s.size ? SEGMENT_STARS : s.pieces == 2 ? SEGMENT_SOME : SEGMENT_ANY;
    return s;
}

struct glob *glob_compile(struct slice pattern) {
    struct extent extent = {0};
    if (!measure(pattern, &extent))
        return NULL;
    size_t segment_bytes = extent.segments * sizeof(struct segment);
    size_t piece_bytes = (extent.segments + extent.stars) * sizeof(struct piece);
    struct glob *g = malloc(sizeof *g + segment_bytes + piece_bytes + extent.text);
    if (!g)
        die("out of memory");
    struct segment *segments = (struct segment *)(g + 1);
    struct piece *pieces = (struct piece *)(segments + extent.segments);
    char *text = (char *)(pieces + extent.segments + extent.stars);
    *g = (struct glob){.text = text, .segments = segments, .pieces = pieces};
    const uint8_t *at = pattern.data, *end = at + pattern.size;
    size_t used = 0, piece = 0;
    for (;;) {
        segments[g->count] = read_segment(&at, end, text, &used, pieces, &piece);
        if (g->literal == g->count && segments[g->count].kind == SEGMENT_LITERAL) {
            g->literal++;
            g->prefix = (uint16_t)used;
        }
        g->count++;
        if (at++ == end)
            break;
        text[used++] = '/';
    }
    g->tree_count = pattern.size == 1 && pattern.data[0] == '/' ? 1 : g->count;
    return g;
}

void glob_free(struct glob *g) { free(g); }

bool segment_matches(const struct glob *g, const struct segment *s, const char *name, size_t size) {
    const char *end = name + size;
    if (s->kind == SEGMENT_LITERAL)
        return size == s->size && memcmp(name, g->text + s->at, size) == 0;
    if (s->kind != SEGMENT_STARS)
        return size > 0;
    const struct piece *p = &g->pieces[s->first], *last = p + s->pieces - 1;
    if (size < s->size || memcmp(name, g->text + p->at, p->size) != 0 ||
        memcmp(end - last->size, g->text + last->at, last->size) != 0)
        return false;
    name += p->size;
    end -= last->size;
    while (++p < last) {
        const char *found = memmem(name, (size_t)(end - name), g->text + p->at, p->size);
        if (!found)
            return false;
        name = found + p->size;
    }
    return true;
}

/* The classic walk over what follows the literal segments: on a mismatch, the last `**` swallows one name more. A tree
 * is matched once all its segments are. `at` is past `size` where no name is left. */
static bool walk(const struct glob *g, const char *text, size_t size, size_t at, bool tree) {
    const struct segment *s = g->segments + g->literal, *last = g->segments + g->count, *star = NULL;
    size_t resume = at;
    while (at <= size) {
        if (s < last && s->kind == SEGMENT_ANY) {
            star = s++;
            resume = at;
            continue;
        }
        if (s == last && (tree || (star && star + 1 == last)))
            return true;
        size_t name = name_size(text + at, size - at);
        if (s < last && segment_matches(g, s, text + at, name)) {
            s++;
            at += name + 1;
        } else if (star) {
            s = star + 1;
            resume += name_size(text + resume, size - resume) + 1;
            at = resume;
        } else {
            return false;
        }
    }
    while (s < last && s->kind == SEGMENT_ANY)
        s++;
    return s == last;
}

/* Below the literal segments, which the text begins with. */
static bool goes_on(const struct glob *g, const char *text, size_t size, bool tree) {
    if (g->literal == 0)
        return walk(g, text, size, 0, tree);
    return (size == g->prefix || text[g->prefix] == '/') && walk(g, text, size, (size_t)g->prefix + 1, tree);
}

static bool begins(const struct glob *g, const char *text, size_t size) {
    return size >= g->prefix && memcmp(text, g->text, g->prefix) == 0;
}

bool glob_matches(const struct glob *g, const char *text, size_t size) {
    if (g->literal == g->count)
        return size == g->prefix && memcmp(text, g->text, size) == 0;
    return begins(g, text, size) && goes_on(g, text, size, false);
}

bool glob_covers(const struct glob *g, const char *path, size_t size) {
    if (g->tree_count != g->count)
        return size == 0 || path[0] == '/';
    if (!begins(g, path, size))
        return false;
    if (g->literal == g->count)
        return size == g->prefix || path[g->prefix] == '/';
    return goes_on(g, path, size, true);
}

struct glob_hint glob_hint(const struct glob *g) {
    struct glob_hint hint = {0};
    /* The root's tree is everything. */
    size_t size = g->tree_count == g->count ? g->prefix : 0;
    if (size >= sizeof hint.word) {
        hint.at = (uint32_t)(size - sizeof hint.word);
        size = sizeof hint.word;
    }
    memset(&hint.mask, 0xff, size);
    memcpy(&hint.word, g->text + hint.at, size);
    return hint;
}
