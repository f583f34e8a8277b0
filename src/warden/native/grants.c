#include "grants.h"
#include "die.h"
#include <stdlib.h>

static struct grant_node *find(const struct grant_node *parent, const void *name, size_t size) {
    for (struct grant_node *node = parent ? parent->below : NULL; node; node = node->next)
        if (node->name.size == size && memcmp(node->name.data, name, size) == 0)
            return node;
    return NULL;
}

static struct grant_node *child(struct grant_node *parent, struct slice name) {
    struct grant_node *node = find(parent, name.data, name.size);
    if (node)
        return node;
    node = calloc(1, sizeof *node);
    if (!node)
        die("out of memory");
    *node = (struct grant_node){.name = name, .next = parent->below};
    parent->below = node;
    return node;
}

static enum grant wider(enum grant a, enum grant b) { return a > b ? a : b; }

void grants_add(struct grant_node *root, struct slice path, enum grant access) {
    struct grant_node *node = root;
    while (path.size > 0) {
        const uint8_t *slash = memchr(path.data, '/', path.size);
        size_t size = slash ? (size_t)(slash - path.data) : path.size, step = slash ? size + 1 : size;
        node = child(node, (struct slice){path.data, size});
        path = (struct slice){path.data + step, path.size - step};
    }
    node->access = wider(node->access, access);
}

struct granted grants_top(const struct grant_node *root) {
    return (struct granted){wider(root->access, GRANT_ANCESTOR), root};
}

struct granted grants_descend(struct granted from, const char *name) {
    const struct grant_node *node = find(from.node, name, strlen(name));
    enum grant inherited = from.access == GRANT_ANCESTOR ? GRANT_NONE : from.access;
    enum grant access = wider(inherited, node ? node->access : GRANT_NONE);
    /* Something below is granted. */
    if (access == GRANT_NONE && node)
        access = GRANT_ANCESTOR;
    return (struct granted){access, node};
}
