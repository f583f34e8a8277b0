/* Where in procfs a path is. Its links and files are about whoever looks, or about processes that are not the caller's,
 * so that nothing there is taken before it is known whose it is. */
#pragma once
#include "notice.h"
#include <limits.h>
#include <sys/stat.h>

enum zone {
    ZONE_ORDINARY, /* not in procfs */
    ZONE_ROOT,     /* the root of a procfs that shows the sandbox's processes */
    ZONE_FOREIGN,  /* the root of a procfs that shows others */
    ZONE_GENERAL,  /* what is about no process */
    ZONE_OWN,      /* of a process of the caller's command */
    ZONE_STRANGER, /* of a process of another command */
    ZONE_KEEPER,   /* of the warden or a shepherd */
};

/* Each gives 0, or the errno that the caller is to see. */
/* The zone of anything that is open. */
int zone_of(const struct notice *notice, int fd, const struct stat *status, enum zone *zone);
/* The zone of what lies in a directory of the zone `from`. */
int zone_below(const struct notice *notice, enum zone from, const char *name, int fd, const struct stat *status,
               enum zone *zone);
/* What a symlink says, to the caller. Not for those that are not text: `is_magic`. */
int zone_link_text(const struct notice *notice, enum zone from, const char *name, int link, char text[PATH_MAX]);
/* Whether the links of a directory of this zone lead to objects and not along their text. */
static inline bool is_magic(enum zone from) { return from >= ZONE_OWN; }
