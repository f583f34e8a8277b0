/* Whether what a stopped process is about to run is what was approved. */
#pragma once
#include "start_judge.h"

bool start_is_approved(pid_t pid, const struct approval *approval);
