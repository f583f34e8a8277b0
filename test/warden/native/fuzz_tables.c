/* libFuzzer target: globs held against each other, and whatever may come as a policy, with what is asked of it. The
 * input is words between newlines. */
#define _GNU_SOURCE
#include "tables.h"
#include <stdlib.h>

static void expect(bool holds) {
    if (!holds)
        abort();
}

static uint8_t cut_byte(struct slice *rest) {
    if (rest->size == 0)
        return 0;
    rest->size--;
    return *rest->data++;
}

/* The next word, in a block of its own size, so that one byte past the end is found; the caller frees it. */
static struct slice cut(struct slice *rest) {
    const uint8_t *newline = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;
    size_t size = newline ? (size_t)(newline - rest->data) : rest->size, skip = newline ? 1 : 0;
    uint8_t *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, rest->data, size);
    *rest = (struct slice){rest->data + size + skip, rest->size - size - skip};
    return (struct slice){copy, size};
}

/* The next word as an absolute path. */
static char *cut_path(struct slice *rest) {
    struct slice s = cut(rest);
    char *path = malloc(s.size + 2);
    path[0] = '/';
    memcpy(path + 1, s.data, s.size);
    path[s.size + 1] = 0;
    free((void *)s.data);
    return path;
}

static void cut_list(struct slice *rest, struct buffer *raw, struct list *list) {
    list->count = cut_byte(rest) % 4;
    for (uint32_t i = 0; i < list->count; i++) {
        struct slice element = cut(rest);
        buffer_bytes(raw, element);
        free((void *)element.data);
    }
    list->raw = (struct slice){raw->data, raw->size};
}

/* ---- globs ---- */

static bool covers_by_matching(const struct glob *glob, const char *path, size_t size) {
    for (size_t end = 0; end <= size; end++)
        if ((end == size || path[end] == '/') && glob_matches(glob, path, end))
            return true;
    return false;
}

static char *join(const char *directory, const char *name) {
    char *path = malloc(strlen(directory) + strlen(name) + 1);
    strcpy(path, directory);
    return strcat(path, name);
}

static void check_glob(struct slice rest) {
    struct slice pattern = cut(&rest);
    char *from = cut_path(&rest), *to = cut_path(&rest), *name = cut_path(&rest);
    char *before = join(from, name), *after = join(to, name);
    struct glob *glob = glob_compile(pattern);
    /* Renames are of names as the kernel tells them. */
    bool tidy = from[strlen(from) - 1] != '/' && to[strlen(to) - 1] != '/';
    if (glob) {
        bool covered = glob_covers(glob, before, strlen(before));
        bool is_root = pattern.size == 1 && pattern.data[0] == '/';
        expect(covered == (is_root || covers_by_matching(glob, before, strlen(before))));
        if (tidy && covered)
            expect(glob_reaches_below(glob, from, strlen(from)));
        if (tidy && glob_survives_rename(glob, from, to))
            expect(covered == glob_covers(glob, after, strlen(after)));
    }
    glob_free(glob);
    free(before);
    free(after);
    free(from);
    free(to);
    free(name);
    free((void *)pattern.data);
}

/* ---- tables ---- */

static bool add_path_rule(struct tables *tables, struct slice *rest, struct slice pattern) {
    uint8_t numbers = cut_byte(rest);
    return tables_add_path_rule(tables, &(struct msg_path_rule){numbers & 3, numbers >> 2 & 3, 1, pattern});
}

static bool add_program_rule(struct tables *tables, struct slice *rest, struct slice pattern) {
    static const uint8_t hash[32];
    uint8_t numbers = cut_byte(rest);
    struct buffer raw = {0};
    struct msg_program_rule rule = {.verdict = numbers & 3, .flags = numbers >> 2 & 3, .rule = 1, .pattern = pattern};
    rule.sha256 = (struct slice){hash, numbers & 16 ? sizeof hash : 0};
    cut_list(rest, &raw, &rule.arguments);
    bool added = tables_add_program_rule(tables, &rule);
    buffer_free(&raw);
    return added;
}

static bool add_subscription(struct tables *tables, struct slice *rest) {
    struct buffer paths = {0}, binaries = {0};
    struct msg_subscription subscription = {.domain = cut_byte(rest) & 3, .actions = cut_byte(rest)};
    cut_list(rest, &paths, &subscription.paths);
    cut_list(rest, &binaries, &subscription.binaries);
    bool added = tables_add_subscription(tables, &subscription);
    buffer_free(&paths);
    buffer_free(&binaries);
    return added;
}

static void add(struct tables *tables, struct slice *rest) {
    uint8_t kind = cut_byte(rest) % 3;
    if (kind == 2) {
        add_subscription(tables, rest);
        return;
    }
    struct slice pattern = cut(rest);
    bool hostile = pattern.size == 0 || memchr(pattern.data, 0, pattern.size);
    bool added = kind ? add_program_rule(tables, rest, pattern) : add_path_rule(tables, rest, pattern);
    expect(!added || !hostile);
    free((void *)pattern.data);
}

static void check_starts(const struct tables *tables, char *path, char *other, char *argument) {
    static const uint8_t hash[32];
    char *argv[] = {argument, other, path, argument, NULL};
    struct candidate candidate = {path, other, argv + (argument[1] == 0), hash};
    struct ruling known = tables_program(tables, &candidate);
    candidate.sha256 = NULL;
    struct ruling unknown = tables_program(tables, &candidate);
    expect(known.verdict >= VERDICT_ALLOW && known.verdict <= VERDICT_DENY);
    /* What is not known is never of use, except where somebody is asked instead of a denial of what nothing matches. */
    expect(unknown.verdict >= known.verdict || unknown.verdict == VERDICT_ASK);
    expect(tables_need_hash(tables, path) || unknown.verdict == known.verdict);
}

static void check_paths(const struct tables *tables, const char *from, const char *to, const char *name) {
    char *before = join(from, name), *after = join(to, name);
    bool tidy = from[strlen(from) - 1] != '/' && to[strlen(to) - 1] != '/';
    bool possible = tables_path(tables, from, ACTION_RENAME, NULL).verdict != VERDICT_DENY &&
                    tables_path(tables, to, ACTION_CREATE, NULL).verdict != VERDICT_DENY;
    bool renamed = tidy && possible && tables_allow_rename(tables, from, to);
    for (uint8_t action = ACTION_READ; action <= ACTION_START; action++) {
        struct ruling a = tables_path(tables, before, action, name), b = tables_path(tables, after, action, name);
        expect(a.verdict >= VERDICT_ALLOW && a.verdict <= VERDICT_DENY && (a.verdict != VERDICT_DENY || !a.hooked));
        expect(a.verdict == VERDICT_DENY || action != ACTION_WRITE || tables_writable(tables, before));
        expect(!renamed || (a.verdict == b.verdict && a.hooked == b.hooked));
    }
    free(before);
    free(after);
}

static void check_tables(struct slice rest) {
    struct buffer raw = {0};
    struct msg_policy policy = {.mode = cut_byte(&rest) & 3, .flags = cut_byte(&rest)};
    cut_list(&rest, &raw, &policy.search);
    struct tables *tables = tables_new(&policy);
    buffer_free(&raw);
    if (!tables)
        return;
    for (uint8_t count = cut_byte(&rest) % 8; count; count--)
        add(tables, &rest);
    char *path = cut_path(&rest), *other = cut_path(&rest), *argument = cut_path(&rest);
    check_paths(tables, path, other, argument);
    check_starts(tables, path, other, argument);
    free(path);
    free(other);
    free(argument);
    tables_release(tables_retain(tables));
    tables_release(tables);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice rest = {data, size};
    if (cut_byte(&rest) & 1)
        check_glob(rest);
    else
        check_tables(rest);
    return 0;
}
