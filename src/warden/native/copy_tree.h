/* Copies what is granted of a folder of the host, for a sandbox that shall have its own. The folder may be hostile, and change
 * at any moment: no link in it is followed. Nobody else writes to the copy. */
#pragma once
#include "bytes.h"
#include <stdbool.h>

/* Does what a `copy` frame asks for in a process of its own, and answers at the standard output. False: the frame is malformed,
 * or the host went away meanwhile. */
bool copy_tree(struct slice payload);
