/* The directories that are watched, by the number of their watch: where each lies below the top. */
#pragma once
#include <stdbool.h>

/* False: there are too many. */
bool places_put(int watch, const char *path);
/* NULL: none. */
const char *places_find(int watch);
void places_forget(int watch);
/* A directory was renamed: it and what is below it lie elsewhere now. */
void places_move(const char *from, const char *to);
/* A directory left: it and what is below it are watched no more. */
void places_drop(const char *path, int notifier);
