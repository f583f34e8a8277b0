/* One file on the way to a program: found as the kernel would, opened, and looked at. */
#pragma once
#include "place.h"
#include "shebang.h"
#include "start_judge.h"
#include "tables.h"

enum { HEAD_BYTES = 1024 }; /* In most programs the headers and the loader's name lie in there. */

struct image {
    struct place place;
    int file;                 /* O_RDONLY */
    char requested[PATH_MAX]; /* absolute */
    struct ruling reading;    /* what rules on files say of reading it; verdict 0: nothing */
    bool loader_changes;      /* the sandbox can change which loader it gets */
    size_t head_size;
    uint8_t head[HEAD_BYTES];
};

/* Finds it; `place` alone is filled in then. 0, or the errno that the caller is to see; then nothing is open. */
int image_find(const struct notice *notice, int base, const char *path, unsigned flags, struct image *image);
/* Whether the caller may run the object at all. Fills in the rest. 0, or an errno and, if the policy says so, a denial in
 * `ruling`. */
int image_open(const struct notice *notice, struct image *image, struct ruling *ruling);
void image_close(struct image *image);
/* Refuses dynamic loaders, which run any file they are given, and what the kernel would not load. Tells the loader that
 * the image names. As image_open. */
int image_check_loader(const struct notice *notice, struct image *image, struct reading *interpreter,
                       struct ruling *ruling);
/* Whether the sandbox cannot change the file, by this name or another. */
bool image_is_stable(const struct notice *notice, const struct image *image);
/* Sets a denial, and is EACCES. */
int image_refuse(struct ruling *ruling, uint8_t reason);
