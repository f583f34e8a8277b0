/* The policy as the warden decides by it: rules on paths, rules on programs, and what hooks care about. Pure: no system
 * call, no global. */
#pragma once
#include "glob.h"
#include "protocol.gen.h"
#include <stdatomic.h>

/* What the policy says to one question. */
struct ruling {
    uint8_t verdict; /* VERDICT_* */
    uint8_t reason;  /* REASON_RULE or REASON_UNMATCHED */
    uint32_t rule;   /* 0: none matched */
    bool hooked;     /* a hook wants to see it, whatever the verdict; never so for a denial */
};

struct tables {
    atomic_uint users;
    uint32_t generation;
    uint8_t mode;
    uint32_t flags; /* POLICY_FLAG_* */
    uint32_t timeout_ms;
    char **search; /* directories, NULL at the end */
    struct path_rule *path_rules;
    struct program_rule *program_rules;
    struct subscription *subscriptions;
    size_t path_rule_count, program_rule_count, subscription_count;
    /* Whether any filesystem subscription names binaries: then the caller's has to be known. */
    bool binaries_matter;
    /* Landlock; -1: none. Closed with the tables. */
    int ruleset, thread_ruleset; /* of commands, and of the warden's threads */
};

/* NULL: malformed. Made with one user. */
struct tables *tables_new(const struct msg_policy *policy);
bool tables_add_path_rule(struct tables *tables, const struct msg_path_rule *rule);
bool tables_add_program_rule(struct tables *tables, const struct msg_program_rule *rule);
bool tables_add_subscription(struct tables *tables, const struct msg_subscription *subscription);
struct tables *tables_retain(struct tables *tables);
void tables_release(struct tables *tables);

/* Whether `action` (ACTION_*) on the path is granted: read and list need a read rule; everything else a write rule;
 * a device rule gives read and write. Deny beats ask beats allow. `binary` may be NULL where binaries do not matter. */
struct ruling tables_path(const struct tables *tables, const char *path, uint8_t action, const char *binary);
/* Whether a hook wants to see `action` on a path of which a ruling says nothing: the other end of a rename. */
bool tables_hooked(const struct tables *tables, const char *path, uint8_t action, const char *binary);
/* Whether what has the name `from` may get the name `to` by `action` (ACTION_RENAME or ACTION_LINK), as far as rules and
 * hooks go that are about the first name, not about the second, and not asked about the action itself: they would be
 * rid of it, and by the other name it would be read past them. */
bool tables_allow_other_name(const struct tables *tables, const char *from, const char *to, uint8_t action);
/* Whether a directory may be renamed without carrying anything past a rule that denies, asks or is hooked. */
bool tables_allow_rename(const struct tables *tables, const char *from, const char *to);
/* Whether the agent could change what lies at the path, now or after being asked. */
bool tables_writable(const struct tables *tables, const char *path);
/* The same of anything that lies, or may come to lie, below a directory. */
bool tables_writable_below(const struct tables *tables, const char *directory);

/* One program that is about to start. Strings are NUL-terminated. */
struct candidate {
    const char *path;      /* of the judged object */
    const char *requested; /* absolute: as it was asked for, before links were followed; may equal path */
    char *const *argv;     /* argv[0] is the program's name and is matched by no argument pattern */
    const uint8_t *sha256; /* NULL: not known */
};

/* A name matches where `path`, or `requested`, is that name in one of the search directories; where it is `requested`
 * that matches an allowing rule, and the last component of path differs from it, argv[0]'s last component must be the name
 * too (a leading `-` aside), for programs of many names choose by it. */
struct ruling tables_program(const struct tables *tables, const struct candidate *candidate);
/* Whether the ruling may depend on the hash: then it has to be given. */
bool tables_need_hash(const struct tables *tables, const char *path);
