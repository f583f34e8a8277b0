#define _GNU_SOURCE
#include "table_rules.h"

static bool any_covers(const struct tree *trees, size_t count, const struct hinted_text *path) {
    bool covered = count == 0;
    for (size_t i = 0; i < count && !covered; i++)
        covered = tree_covers(&trees[i], path);
    return covered;
}

bool binary_matches(const struct subscription *s, const char *binary) {
    /* A caller whose program cannot be told may be any. */
    if (s->binary_count == 0 || !binary || !*binary)
        return true;
    for (size_t i = 0; i < s->binary_count; i++) {
        const char *text = s->words[i] ? last_name(binary) : binary;
        if (glob_matches(s->binaries[i], text, strlen(text)))
            return true;
    }
    return false;
}

static unsigned bit_of(uint8_t action) { return 1U << (action & 15); }

static bool is_hooked(const struct tables *t, const struct hinted_text *path, uint8_t action, const char *binary) {
    for (size_t i = 0; i < t->subscription_count; i++) {
        const struct subscription *s = &t->subscriptions[i];
        if (s->domain == DOMAIN_FILESYSTEM && (s->actions == 0 || s->actions & bit_of(action)) &&
            any_covers(s->paths, s->path_count, path) && binary_matches(s, binary))
            return true;
    }
    return false;
}

bool tables_hooked(const struct tables *t, const char *path, uint8_t action, const char *binary) {
    struct hinted_text text = hinted_text(path);
    return is_hooked(t, &text, action, binary);
}

uint16_t actions_of(uint8_t access) {
    unsigned reading = bit_of(ACTION_READ) | bit_of(ACTION_LIST) | bit_of(ACTION_START);
    if (access == ACCESS_READ)
        return (uint16_t)reading;
    return access == ACCESS_DEVICE ? (uint16_t)(reading | bit_of(ACTION_WRITE)) : UINT16_MAX;
}

struct ruling tables_path(const struct tables *t, const char *path, uint8_t action, const char *binary) {
    struct hinted_text text = hinted_text(path);
    const struct path_rule *strictest = NULL;
    uint8_t verdict = 0;
    for (size_t i = 0; i < t->path_rule_count; i++) {
        const struct path_rule *r = &t->path_rules[i];
        /* Of several with one verdict the first gives the name. */
        if (r->verdict <= verdict || !(r->actions & bit_of(action)) || !tree_covers(&r->tree, &text))
            continue;
        strictest = r;
        verdict = r->verdict;
        if (verdict == VERDICT_DENY)
            return (struct ruling){VERDICT_DENY, REASON_RULE, r->rule, false};
    }
    struct ruling ruling = {VERDICT_DENY, REASON_UNMATCHED, 0, false};
    if (strictest)
        ruling = (struct ruling){strictest->verdict, REASON_RULE, strictest->rule, false};
    else if (t->flags & POLICY_FLAG_UNMATCHED_PATH_ASK)
        ruling.verdict = VERDICT_ASK;
    ruling.hooked = ruling.verdict != VERDICT_DENY && is_hooked(t, &text, action, binary);
    return ruling;
}

/* What a hook sees of an object by its name; that one is made, or listed, goes with the name. */
static bool is_about_content(const struct subscription *s) {
    unsigned ends = bit_of(ACTION_CREATE) | bit_of(ACTION_LIST);
    return s->domain == DOMAIN_FILESYSTEM && s->path_count > 0 && s->actions & ~ends;
}

bool tables_allow_other_name(const struct tables *t, const char *from, const char *to, uint8_t action) {
    struct hinted_text before = hinted_text(from), after = hinted_text(to);
    for (size_t i = 0; i < t->path_rule_count; i++) {
        const struct path_rule *r = &t->path_rules[i];
        if (r->verdict != VERDICT_ALLOW && !(r->actions & bit_of(action)) && tree_covers(&r->tree, &before) &&
            !tree_covers(&r->tree, &after))
            return false;
    }
    for (size_t i = 0; i < t->subscription_count; i++) {
        const struct subscription *s = &t->subscriptions[i];
        if (is_about_content(s) && !(s->actions & bit_of(action)) && any_covers(s->paths, s->path_count, &before) &&
            !any_covers(s->paths, s->path_count, &after))
            return false;
    }
    return true;
}

static bool is_write_granted(const struct tables *t, const char *path) {
    return tables_path(t, path, ACTION_RENAME, NULL).verdict == VERDICT_ALLOW;
}

/* Whether grants say as much below one name as below the other. What may be renamed unasked lies in a tree that may be
 * written, as all below it: then there is nothing that another grant could add. Where somebody is asked for the
 * directory, grants below it count by themselves. What may not be renamed at all needs no second refusal. */
static bool grants_survive(const struct tables *t, const char *from, const char *to) {
    if (!tables_writable(t, from) || !tables_writable(t, to) || (is_write_granted(t, from) && is_write_granted(t, to)))
        return true;
    for (size_t i = 0; i < t->path_rule_count; i++) {
        const struct path_rule *r = &t->path_rules[i];
        if (r->verdict == VERDICT_ALLOW && !glob_survives_rename(r->tree.glob, from, to))
            return false;
    }
    return true;
}

bool tables_allow_rename(const struct tables *t, const char *from, const char *to) {
    for (size_t i = 0; i < t->path_rule_count; i++) {
        const struct path_rule *r = &t->path_rules[i];
        if (r->verdict != VERDICT_ALLOW && !glob_survives_rename(r->tree.glob, from, to))
            return false;
    }
    for (size_t i = 0; i < t->subscription_count; i++) {
        const struct subscription *s = &t->subscriptions[i];
        for (size_t k = 0; s->domain == DOMAIN_FILESYSTEM && k < s->path_count; k++)
            if (!glob_survives_rename(s->paths[k].glob, from, to))
                return false;
    }
    return grants_survive(t, from, to);
}

bool tables_writable_below(const struct tables *t, const char *directory) {
    size_t size = strlen(directory);
    if (t->flags & POLICY_FLAG_UNMATCHED_PATH_ASK)
        return true;
    for (size_t i = 0; i < t->path_rule_count; i++) {
        const struct path_rule *r = &t->path_rules[i];
        if (r->verdict != VERDICT_DENY && r->access != ACCESS_READ &&
            glob_reaches_below(r->tree.glob, directory, size))
            return true;
    }
    return false;
}

bool tables_writable(const struct tables *t, const char *path) {
    struct hinted_text text = hinted_text(path);
    if (t->flags & POLICY_FLAG_UNMATCHED_PATH_ASK)
        return true;
    for (size_t i = 0; i < t->path_rule_count; i++) {
        const struct path_rule *r = &t->path_rules[i];
        if (r->verdict != VERDICT_DENY && r->access != ACCESS_READ && tree_covers(&r->tree, &text))
            return true;
    }
    return false;
}
