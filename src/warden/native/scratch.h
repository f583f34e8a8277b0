/* Removing what a dead sandbox left on the host's disk. */
#pragma once

/* Removes the directory and everything in it, however deep, wide or forbidding, without following a symlink. */
void scratch_remove(const char *path);
