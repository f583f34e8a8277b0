#define _GNU_SOURCE
#include "loader_variables.h"
#include "place.h"
#include "tables.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Each element of a list costs looks at the file system, and a variable may be there many times; honest lists are short. */
enum { ELEMENTS_MAX = 64, MISSING_MAX = 16, LINKS_MAX = 16 };

static const struct variable {
    const char *name;
    bool blanks; /* separate too, and nothing between two separators means nothing */
} variables[] = {{"LD_PRELOAD=", true}, {"LD_AUDIT=", false}, {"LD_LIBRARY_PATH=", false}, {"GCONV_PATH=", false}};

/* The variable that a string sets to something. */
static const struct variable *find(const char *text, size_t size) {
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        size_t length = strlen(variables[i].name);
        if (size > length && memcmp(text, variables[i].name, length) == 0)
            return &variables[i];
    }
    return NULL;
}

/* Takes the next string off. The last one may lack its NUL. */
static bool next(struct slice *rest, struct slice *text) {
    if (rest->size == 0)
        return false;
    size_t size = strnlen((const char *)rest->data, rest->size);
    *text = (struct slice){rest->data, size};
    size_t used = size < rest->size ? size + 1 : size;
    *rest = (struct slice){rest->data + used, rest->size - used};
    return true;
}

void loader_variables_pick(struct slice environment, struct buffer *picked) {
    struct slice text;
    while (next(&environment, &text))
        if (find((const char *)text.data, text.size)) {
            buffer_append(picked, text.data, text.size);
            buffer_append(picked, "", 1);
        }
}

/* Looks where a path leads, and whether the sandbox can write what is, or would be, `below` it. */
static bool is_unwritable(const struct notice *notice, const char *path, const char *below, unsigned flags,
                          int *error) {
    struct place place;
    *error = place_find(notice, AT_FDCWD, path, flags, 0, &place);
    if (*error)
        return false;
    bool root = strcmp(place.path, "/") == 0;
    char whole[2 * PATH_MAX];
    snprintf(whole, sizeof whole, "%s%s", root ? "" : place.path, below);
    bool safe = place.path[0] == '/' && !place.kernel && !place.anonymous && !place.unlinked &&
                !tables_writable(notice->tables, place.path) &&
                (!whole[0] || !tables_writable(notice->tables, whole)) &&
                /* The loader takes what it finds in a directory, and below. */
                !tables_writable_below(notice->tables, whole);
    place_close(&place);
    return safe;
}

static bool is_missing(int error) { return error == ENOENT || error == ENOTDIR; }

/* Where nothing is, nothing may come to be: what lies nearest above decides. */
static bool is_safe_path(const struct notice *notice, const char *path) {
    char shorter[PATH_MAX];
    size_t size = strlen(path);
    for (int tries = 0; tries < MISSING_MAX; tries++) {
        memcpy(shorter, size ? path : "/", size ? size : 1);
        shorter[size ? size : 1] = 0;
        int error;
        if (is_unwritable(notice, shorter, path + size, PLACE_FOLLOW, &error))
            return true;
        if (!is_missing(error) || size == 0)
            return false;
        /* A link to nowhere: whoever can write where it leads would decide. */
        is_unwritable(notice, shorter, "", 0, &error);
        if (!is_missing(error))
            return false;
        while (path[--size] != '/')
            continue;
    }
    return false;
}

/* Puts where a link leads in the place of the way up to it, which ends at `end`. False: that is too long. */
static bool follow(char way[PATH_MAX], size_t end, const struct place *link) {
    char target[PATH_MAX], whole[3 * PATH_MAX];
    ssize_t size = readlinkat(link->object, "", target, sizeof target - 1);
    if (size <= 0)
        return false;
    target[size] = 0;
    int above = target[0] == '/' ? 0 : (int)(strrchr(link->path, '/') - link->path);
    size = snprintf(whole, sizeof whole, "%.*s/%s%s", above, link->path, target, way + end);
    if (size >= PATH_MAX)
        return false;
    memcpy(way, whole, (size_t)size + 1);
    return true;
}

/* Whether no link on the way is, or leads through, what the sandbox may change: it would lead elsewhere later. */
static bool is_settled(const struct notice *notice, const char *path) {
    char way[PATH_MAX];
    strcpy(way, path);
    int links = 0;
    for (size_t at = 0; way[at];) {
        struct place place;
        at += strspn(way + at, "/");
        at += strcspn(way + at, "/");
        char next = way[at];
        way[at] = 0;
        int error = place_find(notice, AT_FDCWD, way, 0, 0, &place);
        way[at] = next;
        if (error)
            return is_missing(error);
        bool link = S_ISLNK(place.status.st_mode);
        bool settled = place.path[0] == '/' && !place.kernel && !tables_writable(notice->tables, place.path) &&
                       (!link || (++links <= LINKS_MAX && follow(way, at, &place)));
        place_close(&place);
        if (!settled)
            return false;
        if (link)
            at = 0;
    }
    return true;
}

/* Without `//`, `/.` and a slash at the end, which rules do not know. False: it has `..`. */
static bool tidy(char *path) {
    char *to = path;
    for (const char *from = path; *from;) {
        while (*from == '/')
            from++;
        size_t size = strcspn(from, "/");
        if (size == 2 && memcmp(from, "..", 2) == 0)
            return false;
        if (size > 0 && !(size == 1 && *from == '.')) {
            *to++ = '/';
            memmove(to, from, size);
            to += size;
        }
        from += size;
    }
    if (to == path)
        *to++ = '/';
    *to = 0;
    return true;
}

/* What the same words stand for depends on who says them there. */
static bool is_of_processes(const char *path) {
    return strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/dev/", 5) == 0;
}

static bool is_safe_element(const struct notice *notice, const char *text, size_t size) {
    char path[PATH_MAX];
    if (size == 0 || size >= sizeof path || text[0] != '/')
        return false;
    memcpy(path, text, size);
    path[size] = 0;
    /* `$ORIGIN` and the like are another path to the loader. */
    if (strchr(path, '$') || !tidy(path) || is_of_processes(path) || tables_writable(notice->tables, path))
        return false;
    return is_settled(notice, path) && is_safe_path(notice, path);
}

/* `left` is how many elements there may be. */
static bool is_safe_value(const struct notice *notice, const char *value, bool blanks, int *left) {
    /* What one loader separates by is part of a name to another. */
    if (value[strcspn(value, blanks ? ";\t\n\v\f\r" : "; \t\n\v\f\r")])
        return false;
    while ((*left)-- > 0) {
        size_t size = strcspn(value, blanks ? ": " : ":");
        if (!(size == 0 && blanks) && !is_safe_element(notice, value, size))
            return false;
        value += size;
        if (!*value)
            return true;
        value++;
    }
    return false;
}

bool loader_variables_are_safe(const struct notice *notice, struct slice picked) {
    struct slice text;
    int left = ELEMENTS_MAX;
    while (next(&picked, &text)) {
        const char *string = (const char *)text.data;
        const struct variable *variable = find(string, text.size);
        if (!variable || !is_safe_value(notice, string + strlen(variable->name), variable->blanks, &left))
            return false;
    }
    return true;
}
