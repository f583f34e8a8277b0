/* Variables of the environment by which a dynamic loader puts other code into a program. */
#pragma once
#include "bytes.h"
#include "notice.h"

/* Appends those of an environment that say anything, each with its NUL. `environment` holds strings, each with its NUL, as
 * in /proc/PID/environ. */
void loader_variables_pick(struct slice environment, struct buffer *picked);
/* Whether all that were picked lead to files that the sandbox cannot write. */
bool loader_variables_are_safe(const struct notice *notice, struct slice picked);
