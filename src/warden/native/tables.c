#define _GNU_SOURCE
#include "table_rules.h"
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { RULES_MAX = 16384, SEARCH_MAX = 64, ARGUMENTS_MAX = 256 };

static bool holds_nul(struct slice s) { return memchr(s.data, 0, s.size) != NULL; }

static struct glob *compile(struct slice pattern) {
    return pattern.size == 0 || holds_nul(pattern) ? NULL : glob_compile(pattern);
}

/* Room for one more; NULL: there are too many. It grows at powers of two, twofold. */
static void *grow(void *array, size_t count, size_t size) {
    if (count >= RULES_MAX)
        return NULL;
    return count & (count - 1) ? array : realloc(array, (count ? 2 * count : 1) * size);
}

static void free_globs(struct glob **globs, size_t count) {
    for (size_t i = 0; globs && i < count; i++)
        glob_free(globs[i]);
    free(globs);
}

static bool is_absolute(struct slice pattern) { return pattern.size && pattern.data[0] == '/'; }

static bool is_word(struct slice pattern) { return pattern.size && !memchr(pattern.data, '/', pattern.size); }

static bool plant(struct slice pattern, struct tree *tree) {
    tree->glob = is_absolute(pattern) ? compile(pattern) : NULL;
    if (tree->glob)
        tree->hint = glob_hint(tree->glob);
    return tree->glob;
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
        .thread_ruleset = -1,
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
                 (m->verdict != VERDICT_ALLOW || m->access >= ACCESS_READ);
    if (!rules)
        return false;
    t->path_rules = rules;
    /* A denial is about everything. */
    uint8_t access = m->verdict == VERDICT_DENY ? 0 : m->access;
    struct path_rule rule = {
        .rule = m->rule, .verdict = m->verdict, .access = access, .actions = actions_of(access)};
    if (!sound || !plant(m->pattern, &rule.tree))
        return false;
    rules[t->path_rule_count++] = rule;
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
                 (m->sha256.size == 0 || rule.hashed) &&
                 (rule.name ? is_word(m->pattern) : is_absolute(m->pattern)) &&
                 !(m->flags & ~(uint32_t)(PROGRAM_RULE_FLAG_ANY_ARGUMENTS | PROGRAM_RULE_FLAG_NAME));
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
    for (size_t i = 0; i < s->path_count; i++)
        glob_free(s->paths[i].glob);
    free(s->paths);
    free_globs(s->binaries, s->binary_count);
    free(s->words);
}

/* False: malformed; what was made is the caller's to free. */
static bool read_subscription(struct subscription *s, struct list paths, struct list binaries) {
    struct slice element;
    s->paths = calloc(paths.count + 1, sizeof *s->paths);
    s->binaries = calloc(binaries.count + 1, sizeof *s->binaries);
    s->words = calloc(binaries.count + 1, sizeof *s->words);
    bool sound = s->paths && s->binaries && s->words && paths.count <= RULES_MAX && binaries.count <= RULES_MAX;
    for (; sound && list_next(&paths, &element); s->path_count += sound)
        sound = plant(element, &s->paths[s->path_count]);
    for (; sound && list_next(&binaries, &element); s->binary_count += sound) {
        s->words[s->binary_count] = is_word(element);
        s->binaries[s->binary_count] = is_word(element) || is_absolute(element) ? compile(element) : NULL;
        sound = s->binaries[s->binary_count];
    }
    return sound;
}

bool tables_add_subscription(struct tables *t, const struct msg_subscription *m) {
    struct subscription *all = grow(t->subscriptions, t->subscription_count, sizeof *all);
    struct subscription s = {.domain = m->domain, .actions = m->actions};
    if (!all)
        return false;
    t->subscriptions = all;
    bool known = (m->domain == DOMAIN_FILESYSTEM || m->domain == DOMAIN_PROCESS) && m->actions < 2U << ACTION_START;
    if (!known || !read_subscription(&s, m->paths, m->binaries)) {
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
        glob_free(t->path_rules[i].tree.glob);
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
    if (t->thread_ruleset >= 0)
        close(t->thread_ruleset);
    free(t);
}
