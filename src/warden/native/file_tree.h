/* Whole trees of files, without ever following a symlink out of them. */
#pragma once
#include <dirent.h>
#include <stdbool.h>

/* Whether the name is "." or "..". */
bool tree_is_dots(const char *name);
/* Gives the owner of a directory every right on it: a program may have taken its own away. */
bool tree_unlock(int directory, const char *name);
/* Opens a directory for reading, unlocking it if need be. NULL: errno says why. */
DIR *tree_open(int directory, const char *name);
/* Removes `name` and everything below it. False: errno says why. */
bool tree_remove(int directory, const char *name);
/* Makes the missing directories above the absolute `path`. False: errno says why. */
bool tree_make_parents(const char *path);
