/* Volumes: folders of the host that outlive their sandboxes. The lock of each is held by the launcher, and so exactly as
 * long as its sandbox lives. */
#pragma once
#include "launch_plan.h"

/* Takes the locks of all volumes of the plan, as descriptors from `first` on; returns how many. */
int volume_locks(const struct launch_plan *plan, int first);
/* Removes a volume that nobody holds. */
void volume_remove(const char *path);
