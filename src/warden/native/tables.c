#define _GNU_SOURCE
#include "tables.h"
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { RULES_MAX = 16384, SEARCH_MAX = 64, ARGUMENTS_MAX = 256 };

struct path_rule {
    struct glob *glob;
    uint32_t rule;
    uint8_t verdict, access;
    bool starred;
};

struct program_rule {
    struct glob *glob;
    struct glob **arguments; /* NULL for `**` */
    size_t argument_count;
    uint32_t rule;
    uint8_t verdict;
    bool any_arguments, name, hashed;
    uint8_t sha256[32];
};

struct subscription {
    struct glob **paths, **binaries;
    size_t path_count, binary_count;
    bool *words; /* of each binary: it has no slash */
    uint32_t actions;
    uint8_t domain;
};

static bool has_star(struct slice pattern) {
    for (size_t i = 0; i < pattern.size; i++) {
        if (pattern.data[i] == '\\')
            i++;
        else if (pattern.data[i] == '*')
            return true;
    }
    return false;
}

static bool holds_nul(struct slice s) { return memchr(s.data, 0, s.size) != NULL; }

static struct glob *compile(struct slice pattern) {
    return pattern.size == 0 || holds_nul(pattern) ? NULL : glob_compile(pattern);
}

/* Room for one more; NULL: there are too many. */
static void *grow(void *array, size_t count, size_t size) {
    return count >= RULES_MAX ? NULL : realloc(array, (count + 1) * size);
}

static void free_globs(struct glob **globs, size_t count) {
    for (size_t i = 0; globs && i < count; i++)
        glob_free(globs[i]);
    free(globs);
}

/* Compiles a list. False: malformed; what was made is the caller's to free. */
static bool compile_list(struct list list, struct glob ***globs, size_t *count) {
    struct slice element;
    *globs = calloc(list.count + 1, sizeof **globs);
    while (*globs && list_next(&list, &element)) {
        struct glob *glob = compile(element);
        if (!glob)
            return false;
        (*globs)[(*count)++] = glob;
    }
    return *globs != NULL;
}

struct tables *tables_new(const struct msg_policy *policy) {
    struct tables *t = calloc(1, sizeof *t);
    struct list search = policy->search;
    struct slice element;
    if (!t)
        return NULL;
    *t = (struct tables){
        .users = 1,
        .generation = policy->generation,
        .mode = policy->mode,
        .flags = policy->flags,
        .timeout_ms = policy->timeout_ms,
        .ruleset = -1,
    };
    t->search = list_strings(search);
    bool sound = t->search && search.count <= SEARCH_MAX && t->mode >= MODE_FLOOR && t->mode <= MODE_EMULATED;
    while (sound && list_next(&search, &element))
        sound = element.size > 0 && element.data[0] == '/' && !holds_nul(element);
    if (sound)
        return t;
    tables_release(t);
    return NULL;
}

bool tables_add_path_rule(struct tables *t, const struct msg_path_rule *m) {
    struct path_rule *rules = grow(t->path_rules, t->path_rule_count, sizeof *rules);
    bool sound = m->verdict >= VERDICT_ALLOW && m->verdict <= VERDICT_DENY && m->access <= ACCESS_DEVICE &&
                 (m->verdict != VERDICT_ALLOW || m->access >= ACCESS_READ) && m->pattern.size && m->pattern.data[0] == '/';
    if (!rules)
        return false;
    t->path_rules = rules;
    struct glob *glob = sound ? compile(m->pattern) : NULL;
    if (!glob)
        return false;
    rules[t->path_rule_count++] = (struct path_rule){glob, m->rule, m->verdict, m->access, has_star(m->pattern)};
    return true;
}

static bool read_arguments(struct program_rule *rule, struct list list) {
    struct slice element;
    rule->arguments = calloc(list.count + 1, sizeof *rule->arguments);
    if (!rule->arguments || list.count > ARGUMENTS_MAX)
        return false;
    while (list_next(&list, &element)) {
        bool any = element.size == 2 && memcmp(element.data, "**", 2) == 0;
        if (holds_nul(element) || (!any && !(rule->arguments[rule->argument_count] = glob_compile(element))))
            return false;
        rule->argument_count++;
    }
    return true;
}

static void free_program_rule(struct program_rule *rule) {
    glob_free(rule->glob);
    free_globs(rule->arguments, rule->argument_count);
}

bool tables_add_program_rule(struct tables *t, const struct msg_program_rule *m) {
    struct program_rule *rules = grow(t->program_rules, t->program_rule_count, sizeof *rules);
    if (!rules)
        return false;
    t->program_rules = rules;
    struct program_rule rule = {
        .rule = m->rule,
        .verdict = m->verdict,
        .any_arguments = m->flags & PROGRAM_RULE_FLAG_ANY_ARGUMENTS,
        .name = m->flags & PROGRAM_RULE_FLAG_NAME,
        .hashed = m->sha256.size == sizeof rule.sha256,
        .glob = compile(m->pattern),
    };
    bool sound = rule.glob && m->verdict >= VERDICT_ALLOW && m->verdict <= VERDICT_DENY &&
                 (m->sha256.size == 0 || rule.hashed) && (rule.name || m->pattern.data[0] == '/');
    if (rule.hashed)
        memcpy(rule.sha256, m->sha256.data, sizeof rule.sha256);
    if (!sound || !read_arguments(&rule, m->arguments)) {
        free_program_rule(&rule);
        return false;
    }
    rules[t->program_rule_count++] = rule;
    return true;
}

static void free_subscription(struct subscription *s) {
    free_globs(s->paths, s->path_count);
    free_globs(s->binaries, s->binary_count);
    free(s->words);
}

bool tables_add_subscription(struct tables *t, const struct msg_subscription *m) {
    struct subscription *all = grow(t->subscriptions, t->subscription_count, sizeof *all);
    if (!all)
        return false;
    t->subscriptions = all;
    struct subscription s = {.domain = m->domain, .actions = m->actions};
    struct list binaries = m->binaries;
    struct slice element;
    s.words = calloc(binaries.count + 1, sizeof *s.words);
    bool sound = s.words && (m->domain == DOMAIN_FILESYSTEM || m->domain == DOMAIN_PROCESS) &&
                 compile_list(m->paths, &s.paths, &s.path_count) && compile_list(m->binaries, &s.binaries, &s.binary_count);
    for (size_t i = 0; sound && list_next(&binaries, &element); i++)
        s.words[i] = !memchr(element.data, '/', element.size);
    if (!sound) {
        free_subscription(&s);
        return false;
    }
    t->binaries_matter |= m->domain == DOMAIN_FILESYSTEM && s.binary_count > 0;
    all[t->subscription_count++] = s;
    return true;
}

struct tables *tables_retain(struct tables *t) {
    t->users++;
    return t;
}

void tables_release(struct tables *t) {
    if (!t || --t->users > 0)
        return;
    for (size_t i = 0; i < t->path_rule_count; i++)
        glob_free(t->path_rules[i].glob);
    for (size_t i = 0; i < t->program_rule_count; i++)
        free_program_rule(&t->program_rules[i]);
    for (size_t i = 0; i < t->subscription_count; i++)
        free_subscription(&t->subscriptions[i]);
    free(t->path_rules);
    free(t->program_rules);
    free(t->subscriptions);
    free(t->search);
    if (t->ruleset >= 0)
        close(t->ruleset);
    free(t);
}

/* ---- paths ---- */

static const char *last_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool any_covers(struct glob *const *globs, size_t count, const char *path, size_t size) {
    bool covered = count == 0;
    for (size_t i = 0; i < count && !covered; i++)
        covered = glob_covers(globs[i], path, size);
    return covered;
}

static bool binary_matches(const struct subscription *s, const char *binary) {
    if (s->binary_count == 0)
        return true;
    for (size_t i = 0; binary && i < s->binary_count; i++) {
        const char *text = s->words[i] ? last_name(binary) : binary;
        if (glob_matches(s->binaries[i], text, strlen(text)))
            return true;
    }
    return false;
}

static bool is_hooked(const struct tables *t, const char *path, size_t size, uint8_t action, const char *binary) {
    for (size_t i = 0; i < t->subscription_count; i++) {
        const struct subscription *s = &t->subscriptions[i];
        if (s->domain == DOMAIN_FILESYSTEM && (s->actions == 0 || s->actions & 1U << action) &&
            any_covers(s->paths, s->path_count, path, size) && binary_matches(s, binary))
            return true;
    }
    return false;
}

static bool suffices(uint8_t access, uint8_t action) {
    if (access == 0 || action == ACTION_READ || action == ACTION_LIST || action == ACTION_START)
        return true;
    return access == ACCESS_WRITE || (access == ACCESS_DEVICE && action == ACTION_WRITE);
}

struct ruling tables_path(const struct tables *t, const char *path, uint8_t action, const char *binary) {
    size_t size = strlen(path);
    const struct path_rule *strictest = NULL;
    for (size_t i = 0; i < t->path_rule_count; i++) {
        const struct path_rule *r = &t->path_rules[i];
        /* Of several with one verdict the first gives the name. */
        if ((strictest && r->verdict <= strictest->verdict) || !suffices(r->access, action) ||
            !glob_covers(r->glob, path, size))
            continue;
        strictest = r;
        if (r->verdict == VERDICT_DENY)
            return (struct ruling){VERDICT_DENY, REASON_RULE, r->rule, false};
    }
    struct ruling ruling = {VERDICT_DENY, REASON_UNMATCHED, 0, false};
    if (strictest)
        ruling = (struct ruling){strictest->verdict, REASON_RULE, strictest->rule, false};
    else if (t->flags & POLICY_FLAG_UNMATCHED_PATH_ASK)
        ruling.verdict = VERDICT_ASK;
    ruling.hooked = ruling.verdict != VERDICT_DENY && is_hooked(t, path, size, action, binary);
    return ruling;
}

static bool all_survive(struct glob *const *globs, size_t count, const char *from, const char *to) {
    for (size_t i = 0; i < count; i++)
        if (!glob_survives_rename(globs[i], from, to))
            return false;
    return true;
}

bool tables_allow_rename(const struct tables *t, const char *from, const char *to) {
    for (size_t i = 0; i < t->path_rule_count; i++) {
        const struct path_rule *r = &t->path_rules[i];
        /* A literal grant of less inside a grant of more takes nothing away, and only what may be written is renamed. */
        if ((r->verdict != VERDICT_ALLOW || r->starred) && !glob_survives_rename(r->glob, from, to))
            return false;
    }
    for (size_t i = 0; i < t->subscription_count; i++) {
        const struct subscription *s = &t->subscriptions[i];
        if (s->domain == DOMAIN_FILESYSTEM && !all_survive(s->paths, s->path_count, from, to))
            return false;
    }
    return true;
}

bool tables_writable(const struct tables *t, const char *path) {
    size_t size = strlen(path);
    if (t->flags & POLICY_FLAG_UNMATCHED_PATH_ASK)
        return true;
    for (size_t i = 0; i < t->path_rule_count; i++) {
        const struct path_rule *r = &t->path_rules[i];
        if (r->verdict != VERDICT_DENY && r->access != ACCESS_READ && glob_covers(r->glob, path, size))
            return true;
    }
    return false;
}

/* ---- programs ---- */

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

static bool wants_start(const struct tables *t, const struct candidate *c) {
    for (size_t i = 0; i < t->subscription_count; i++) {
        const struct subscription *s = &t->subscriptions[i];
        if (s->domain == DOMAIN_PROCESS && (binary_matches(s, c->path) || binary_matches(s, c->requested)))
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
