/* Why something was denied, in a file of the agent's own /tmp: for the agent to read. It may do with it what it likes. */
#pragma once
#include "records.h"

void denial_note(const struct decision *decision);
