/* The root of a local sandbox: a tmpfs that holds exactly what the plan puts there. */
#pragma once
#include "launch_plan.h"

/* Builds it, makes it the root of the caller's mount namespace, and lets go of the old one. Ends the process on errors. */
void root_build(struct launch_plan *plan);
