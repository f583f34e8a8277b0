#define _GNU_SOURCE
#include "table_rules.h"

static bool any_covers(struct glob *const *globs, size_t count, const char *path, size_t size) {
    bool covered = count == 0;
    for (size_t i = 0; i < count && !covered; i++)
        covered = glob_covers(globs[i], path, size);
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
