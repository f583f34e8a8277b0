/* What tables are made of: for the files that build them and rule by them, and for nobody else. */
#pragma once
#include "glob_hint.h"
#include "tables.h"

/* A pattern that stands for a tree. */
struct tree {
    struct glob *glob;
    struct glob_hint hint;
};

struct path_rule {
    struct tree tree;
    uint32_t rule;
    uint8_t verdict, access;
    uint16_t actions; /* bits: those that it is about */
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
    struct tree *paths;
    struct glob **binaries;
    size_t path_count, binary_count;
    bool *words; /* of each binary: it has no slash */
    uint32_t actions;
    uint8_t domain;
};

/* The last component of a path. */
static inline const char *last_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static inline bool tree_covers(const struct tree *tree, const struct hinted_text *path) {
    return !glob_hint_excludes(&tree->hint, path) && glob_covers(tree->glob, path->data, path->size);
}

/* The actions that a rule of this access (0: any) is about. */
uint16_t actions_of(uint8_t access);
/* Whether a hook that names programs means this one. What is not known (NULL, empty) may be. */
bool binary_matches(const struct subscription *subscription, const char *binary);
