/* The usual open where the floor decides and only denials are recorded: one that the floor allows. */
#pragma once
#include "request.h"

/* Whether nothing has to be recorded of it, as far as a quick look tells. What it leaves open is looked at in full. */
bool open_is_unremarkable(struct request *request, int directory, uint64_t path, uint64_t flags);
/* A name may lead elsewhere from now on. */
void watched_names_changed(void);
