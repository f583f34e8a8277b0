#define _GNU_SOURCE
#include "watched_places.h"
#include "die.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

enum { PLACES_MAX = 8192 };

struct place {
    int watch;
    char *path;
};

static struct place places[PLACES_MAX];
static size_t count;

static struct place *find(int watch) {
    for (size_t i = 0; i < count; i++)
        if (places[i].watch == watch)
            return &places[i];
    return NULL;
}

const char *places_find(int watch) {
    struct place *place = find(watch);
    return place ? place->path : NULL;
}

static char *copy(const char *path) {
    char *text = strdup(path);
    if (!text)
        die("out of memory");
    return text;
}

bool places_put(int watch, const char *path) {
    struct place *place = find(watch);
    if (!place && count == PLACES_MAX)
        return false;
    if (!place)
        place = &places[count++];
    else
        free(place->path);
    *place = (struct place){watch, copy(path)};
    return true;
}

static void forget(struct place *place) {
    free(place->path);
    *place = places[--count];
}

void places_forget(int watch) {
    struct place *place = find(watch);
    if (place)
        forget(place);
}

/* What follows `top` in the path of a place in it; NULL: it is not in it. */
static const char *rest_below(const struct place *place, const char *top) {
    size_t size = strlen(top);
    bool below = strncmp(place->path, top, size) == 0 && (place->path[size] == 0 || place->path[size] == '/');
    return below ? place->path + size : NULL;
}

void places_move(const char *from, const char *to) {
    for (size_t i = 0; i < count; i++) {
        const char *rest = rest_below(&places[i], from);
        char *path;
        if (!rest)
            continue;
        if (asprintf(&path, "%s%s", to, rest) < 0)
            die("out of memory");
        free(places[i].path);
        places[i].path = path;
    }
}

void places_drop(const char *path, int notifier) {
    for (size_t i = count; i-- > 0;)
        if (rest_below(&places[i], path)) {
            inotify_rm_watch(notifier, places[i].watch);
            forget(&places[i]);
        }
}
