/* The grants of the policy, opened one by one and put into the Landlock ruleset. */
#pragma once
#include "protocol.gen.h"

/* Begins without any grant. Rules of the workspace are resolved below `workspace`. False: errno says why. */
bool floor_begin(struct slice workspace);
/* False: errno says why. */
bool floor_add(const char *path, uint8_t access, uint32_t flags);
/* What was granted, and what was optional and missing. */
struct msg_ready floor_finish(void);
