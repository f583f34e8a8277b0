/* Where a path of a caller leads: resolved without trusting it, as the kernel would for the caller and not for us. */
#pragma once
#include "notice.h"
#include <limits.h>
#include <sys/stat.h>

enum {
    PLACE_FOLLOW = 1, /* follow a symlink at the end */
    PLACE_PARENT = 2, /* keep the parent; the object may be missing */
    PLACE_EMPTY = 4,  /* an empty path is the base itself */
    PLACE_MAKE = 8,   /* with PLACE_PARENT, for a name that is to be made: whatever has it is no error */
};

struct place {
    int object; /* O_PATH; -1: there is none */
    int parent; /* O_PATH; -1 unless PLACE_PARENT was asked for, or the path names no entry (`.`, `..`, `/`) */
    char name[NAME_MAX + 1]; /* in the parent */
    char path[PATH_MAX];     /* canonical: of the object, or of the parent and the name in it */
    struct stat status;      /* of the object */
    bool kernel; /* the object is on procfs */
    bool own;    /* it is the caller's own, or its command's, in procfs */
    bool anonymous; /* a pipe, socket or the like: it has no path */
    bool unlinked; /* it has no name any more; `path` is what the name was */
    bool slash;    /* the words end in one: what they name, or what is made there, is to be a directory */
};

/* `base` is an open descriptor (O_PATH will do) that relative paths start from. `how` holds RESOLVE_* of openat2 that
 * the caller asked for. 0, or the errno that the caller is to see; then nothing is open. */
int place_find(const struct notice *notice, int base, const char *path, unsigned flags, uint64_t how,
               struct place *place);
void place_close(struct place *place);
/* Whether the parent is still where it was found. */
bool place_is_unmoved(const struct place *place);
