#define _GNU_SOURCE
#include "table_rules.h"
#include <limits.h>
#include <stdio.h>

static bool is_searched(const struct tables *t, const char *path) {
    const char *slash = strrchr(path, '/');
    size_t size = slash ? (size_t)(slash - path) : 0;
    for (char **directory = t->search; *directory; directory++)
        if (strlen(*directory) == (size ? size : 1) && memcmp(*directory, size ? path : "/", size ? size : 1) == 0)
            return true;
    return false;
}

static bool names(const struct tables *t, const struct program_rule *r, const char *path) {
    if (!r->name)
        return glob_matches(r->glob, path, strlen(path));
    const char *name = last_name(path);
    return is_searched(t, path) && glob_matches(r->glob, name, strlen(name));
}

/* A program of many names does what its own name for itself says: it must be the one that is allowed. */
static bool matches_program(const struct tables *t, const struct program_rule *r, const struct candidate *c) {
    if (names(t, r, c->path))
        return true;
    if (!names(t, r, c->requested))
        return false;
    const char *wanted = last_name(c->requested);
    if (r->verdict == VERDICT_DENY || strcmp(last_name(c->path), wanted) == 0)
        return true;
    const char *called = c->argv[0] ? last_name(c->argv[0]) : "";
    return strcmp(called + (*called == '-'), wanted) == 0;
}

/* The classic walk: on a mismatch, the last `**` swallows one argument more. */
static bool matches_arguments(const struct program_rule *r, char *const *argv) {
    if (r->any_arguments)
        return true;
    char *const *given = argv[0] ? argv + 1 : argv, *const *resume = given;
    size_t at = 0, star = SIZE_MAX;
    while (*given) {
        if (at < r->argument_count && !r->arguments[at]) {
            star = at++;
            resume = given;
        } else if (at < r->argument_count && glob_matches(r->arguments[at], *given, strlen(*given))) {
            at++;
            given++;
        } else if (star != SIZE_MAX) {
            at = star + 1;
            given = ++resume;
        } else {
            return false;
        }
    }
    while (at < r->argument_count && !r->arguments[at])
        at++;
    return at == r->argument_count;
}

/* What is not known might be it: it allows nothing, and keeps nothing from being denied. */
static bool matches_hash(const struct program_rule *r, const uint8_t *sha256) {
    if (!r->hashed)
        return true;
    return sha256 ? memcmp(r->sha256, sha256, sizeof r->sha256) == 0 : r->verdict != VERDICT_ALLOW;
}

/* Hooks also go by what a program is called: as startMatcher() in src/hooks/filter.ts. */
static bool called_matches(const struct subscription *s, const char *called) {
    char path[PATH_MAX];
    if (called[0] == '/')
        return binary_matches(s, called);
    int size = snprintf(path, sizeof path, "/%s", called + (called[0] == '-'));
    return size >= (int)sizeof path || binary_matches(s, path);
}

static bool wants_start(const struct tables *t, const struct candidate *c) {
    for (size_t i = 0; i < t->subscription_count; i++) {
        const struct subscription *s = &t->subscriptions[i];
        if (s->domain == DOMAIN_PROCESS && (binary_matches(s, c->path) || binary_matches(s, c->requested) ||
                                            called_matches(s, c->argv[0] ? c->argv[0] : "")))
            return true;
    }
    return false;
}

struct ruling tables_program(const struct tables *t, const struct candidate *c) {
    const struct program_rule *strictest = NULL;
    for (size_t i = 0; i < t->program_rule_count; i++) {
        const struct program_rule *r = &t->program_rules[i];
        if ((!strictest || r->verdict > strictest->verdict) && matches_program(t, r, c) &&
            matches_arguments(r, c->argv) && matches_hash(r, c->sha256))
            strictest = r;
    }
    struct ruling ruling = {VERDICT_ALLOW, REASON_UNMATCHED, 0, false};
    if (strictest)
        ruling = (struct ruling){strictest->verdict, REASON_RULE, strictest->rule, false};
    else if (t->flags & POLICY_FLAG_ALLOW_LIST)
        ruling.verdict = t->flags & POLICY_FLAG_UNMATCHED_PROGRAM_ASK ? VERDICT_ASK : VERDICT_DENY;
    /* A script that nothing matches may still be its interpreter's affair, and a hook's. */
    ruling.hooked = (ruling.verdict != VERDICT_DENY || ruling.reason == REASON_UNMATCHED) && wants_start(t, c);
    return ruling;
}

bool tables_need_hash(const struct tables *t, const char *path) {
    (void)path;
    for (size_t i = 0; i < t->program_rule_count; i++)
        if (t->program_rules[i].hashed)
            return true;
    return false;
}
