/* The glob dialect of policies (src/policy/glob.ts), over bytes. The two are held together by shared test vectors. */
#pragma once
#include "bytes.h"

struct glob;

/* NULL: the pattern is not of the dialect. Absolute patterns are for paths; others for single words. */
struct glob *glob_compile(struct slice pattern);
void glob_free(struct glob *glob);
/* Whether it stands for exactly this text. Never takes longer than text times pattern. */
bool glob_matches(const struct glob *glob, const char *text, size_t size);
/* Whether it stands for this path or for a directory that the path lies in. */
bool glob_covers(const struct glob *glob, const char *path, size_t size);
/* Whether it may stand for something that lies in this directory. Never wrongly false. */
bool glob_reaches_below(const struct glob *glob, const char *directory, size_t size);
/* Whether what lies below `from` is covered exactly if it still is after `from` was renamed to `to`. Never wrongly
 * true. */
bool glob_survives_rename(const struct glob *glob, const char *from, const char *to);
