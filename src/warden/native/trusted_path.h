/* Paths that the host names: what they lead to, by nobody's word but the host's and the image's. */
#pragma once
#include "bytes.h"
#include <limits.h>
#include <stdbool.h>

/* The folders in which a symlink is the word of somebody else: of the agent, of an earlier sandbox, of whoever wrote the workspace.
 * False: out of memory. */
bool trusted_path_begin(struct list folders, struct list volumes, const char *workspace);
/* What a path leads to, as an O_PATH descriptor. -1: errno says why; ELOOP: by such a symlink, or by any into the workspace, a
 * volume or sysfs, among others. */
int trusted_path_open(const char *path);
/* What a path is really called, whoever made the links on the way; of what is not there, what it would be called. `hearsay`
 * hears of each link of somebody else's that was followed, and ends the search with false. */
bool path_meant(const char *path, char real[PATH_MAX], bool (*hearsay)(const char *link, void *context), void *context);
