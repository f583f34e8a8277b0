/* What the host says to questions: verdicts, more time, and content to read in place of a file. */
#pragma once
#include "bytes.h"

/* What such a file is called in /proc. */
#define SUBSTITUTE_NAME "cofferdam-substitute"

/* False: the frame is malformed. `type` is one of answer, content and hold. */
bool answers_take(uint8_t type, struct slice payload);
