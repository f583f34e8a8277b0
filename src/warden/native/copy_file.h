/* Copies what one descriptor stands for to another. */
#pragma once
#include <stdint.h>
#include <sys/types.h>

/* Copies the first `size` bytes of a regular file to an empty one, holes as holes, by sharing blocks where the file system can. Returns
 * how many there were: the file may have become shorter. -1: errno says why. */
int64_t copy_content(int source, int target, off_t size);
