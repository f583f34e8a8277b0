/* The grants of the policy, opened one by one and put into the Landlock ruleset. */
#pragma once
#include "protocol.gen.h"

/* Where rules of the workspace are resolved below. */
void floor_set_workspace(struct slice workspace);
/* Begins without any grant. False: errno says why. */
bool floor_begin(void);
/* False: errno says why. */
bool floor_add(const char *path, uint8_t access, uint32_t flags);
/* What was granted, and what was optional and missing. The rulesets are the caller's then: that of commands, and that of
 * the warden's threads, which may also read procfs. */
struct msg_ready floor_finish(int *ruleset, int *thread_ruleset);
/* A ruleset of the workspace alone, for the host's review. -1: errno says why. The caller closes it. */
int floor_of_workspace(void);
