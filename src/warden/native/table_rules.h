/* What tables are made of: for the files that build them and rule by them, and for nobody else. */
#pragma once
#include "tables.h"

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

/* The last component of a path. */
static inline const char *last_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Whether a hook that names programs means this one; NULL: it is not known. */
bool binary_matches(const struct subscription *subscription, const char *binary);
