#define _GNU_SOURCE
#include "policy_frames.h"
#include "floor.h"
#include "own_descriptors.h"
#include "trusted_path.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

static struct tables *building, *current;
static char *workspace;

struct tables *policy_in_force(void) { return current; }

void policy_set_workspace(struct slice path) {
    workspace = slice_string(path);
    floor_set_workspace(path);
}

/* ---- search ---- */

/* /bin is /usr/bin on many systems: both names are searched. */
static bool begin(const struct msg_policy *policy) {
    if (!trusted_path_begin(policy->untrusted, policy->volumes, workspace))
        return false;
    struct buffer raw = {0};
    struct list all = {0}, given = policy->search;
    struct slice element;
    while (list_next(&given, &element)) {
        char real[PATH_MAX];
        buffer_bytes(&raw, element);
        all.count++;
        char *path = slice_string(element);
        if (path && real_name(path, real) && strcmp(path, real) != 0) {
            buffer_bytes(&raw, slice_of(real));
            all.count++;
        }
        free(path);
    }
    all.raw = (struct slice){raw.data, raw.size};
    struct msg_policy widened = *policy;
    widened.search = all;
    if (building)
        tables_release(building);
    building = tables_new(&widened);
    buffer_free(&raw);
    return building != NULL;
}

/* ---- paths ---- */

static size_t literal_size(struct slice pattern) {
    size_t end = 0;
    for (size_t i = 0; i < pattern.size; i++) {
        if (pattern.data[i] == '\\')
            i++;
        else if (pattern.data[i] == '*')
            return end;
        else if (pattern.data[i] == '/')
            end = i;
    }
    return pattern.size;
}

static void unescape(struct slice pattern, char *text) {
    for (size_t i = 0; i < pattern.size; i++) {
        if (pattern.data[i] == '\\' && i + 1 < pattern.size)
            i++;
        *text++ = (char)pattern.data[i];
    }
    *text = 0;
}

static void append_escaped(struct buffer *b, const char *text) {
    for (; *text; text++) {
        if (strchr("*?[]{}\\", *text))
            buffer_u8(b, '\\');
        buffer_u8(b, (uint8_t)*text);
    }
}

/* What a path is really called, unless somebody else's link leads there. */
static bool trusted_name(const char *path, char real[PATH_MAX]) {
    int fd = trusted_path_open(path);
    bool told = fd >= 0 && path_of(fd, real) == 0 && real[0] == '/';
    if (fd >= 0)
        close(fd);
    return told;
}

/* A rule of the same verdict for `name`, and what `rest` says of what lies there. */
static bool add_rule_for(const struct msg_path_rule *rule, const char *name, struct slice rest) {
    struct buffer pattern = {0};
    append_escaped(&pattern, name);
    buffer_append(&pattern, rest.data, rest.size);
    struct msg_path_rule other = *rule;
    other.pattern = (struct slice){pattern.data, pattern.size};
    bool added = tables_add_path_rule(building, &other);
    buffer_free(&pattern);
    return added;
}

struct link_denial {
    const struct msg_path_rule *rule;
    bool failed;
};

/* Whoever could take a link away that a denial leads over would have it mean something else the next time. */
static bool deny_link(const char *link, void *context) {
    struct link_denial *denial = context;
    denial->failed = !add_rule_for(denial->rule, link, (struct slice){0});
    return !denial->failed;
}

/* Objects are judged by their real names: a rule that goes through a link means what the link leads to. Hearsay may narrow
 * and not widen, and a denial is about what is not there yet as well. */
static bool add_real_rule(const struct msg_path_rule *rule) {
    size_t literal = literal_size(rule->pattern);
    char path[PATH_MAX], real[PATH_MAX];
    if (literal == 0 || literal >= sizeof path)
        return true;
    unescape((struct slice){rule->pattern.data, literal}, path);
    bool denies = rule->verdict == VERDICT_DENY;
    struct link_denial denial = {.rule = rule};
    bool told = denies ? path_meant(path, real, deny_link, &denial) : trusted_name(path, real);
    if (denial.failed || !told || strcmp(path, real) == 0)
        return !denial.failed;
    return add_rule_for(rule, real, (struct slice){rule->pattern.data + literal, rule->pattern.size - literal});
}

static enum policy_result add_floor_rule(const struct msg_rule *rule, char **failed) {
    char *path = slice_string(rule->path);
    if (!path)
        return POLICY_MALFORMED;
    if (floor_add(path, rule->access, rule->flags)) {
        free(path);
        return POLICY_TAKEN;
    }
    *failed = path;
    return POLICY_RULE_FAILED;
}

enum policy_result policy_take(uint8_t type, struct slice payload, char **failed) {
    union {
        struct msg_policy policy;
        struct msg_rule rule;
        struct msg_path_rule path;
        struct msg_program_rule program;
        struct msg_subscription subscription;
    } m;
    bool taken;
    if (type == FRAME_POLICY) {
        if (!decode_policy(payload, &m.policy) || !begin(&m.policy))
            return POLICY_MALFORMED;
        return floor_begin() ? POLICY_TAKEN : POLICY_NO_RULESET;
    }
    if (type != FRAME_RULE && type != FRAME_PATH_RULE && type != FRAME_PROGRAM_RULE && type != FRAME_SUBSCRIPTION)
        return POLICY_NOT_MINE;
    if (!building)
        return POLICY_MALFORMED;
    if (type == FRAME_RULE)
        return decode_rule(payload, &m.rule) ? add_floor_rule(&m.rule, failed) : POLICY_MALFORMED;
    if (type == FRAME_PATH_RULE)
        taken = decode_path_rule(payload, &m.path) && tables_add_path_rule(building, &m.path) && add_real_rule(&m.path);
    else if (type == FRAME_PROGRAM_RULE)
        taken = decode_program_rule(payload, &m.program) && tables_add_program_rule(building, &m.program);
    else
        taken = decode_subscription(payload, &m.subscription) && tables_add_subscription(building, &m.subscription);
    return taken ? POLICY_TAKEN : POLICY_MALFORMED;
}

bool policy_commit(struct msg_ready *ready) {
    if (!building)
        return false;
    *ready = floor_finish(&building->ruleset, &building->thread_ruleset);
    if (current)
        tables_release(current);
    current = building;
    building = NULL;
    return true;
}
