/* Which entries of a folder some grant covers: a tree of names. */
#pragma once
#include "bytes.h"

enum grant { GRANT_NONE, /* and no grant is below */ GRANT_ANCESTOR, GRANT_READ, GRANT_WRITE };

struct grant_node {
    struct slice name;
    enum grant access;
    struct grant_node *below, *next;
};

/* A place in the folder: what its entry may be used for, and the grants at it and below, if there are any. */
struct granted {
    enum grant access;
    const struct grant_node *node;
};

/* Adds a grant; `path` is below the folder, with single slashes, empty for the folder itself. It is pointed into. */
void grants_add(struct grant_node *root, struct slice path, enum grant access);
/* The folder itself, which is always entered. */
struct granted grants_top(const struct grant_node *root);
/* One step down. */
struct granted grants_descend(struct granted from, const char *name);
