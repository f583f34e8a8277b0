/* Stands in for the rest of the warden around the judging of starts: notices that are answered for real, places found by
 * the kernel, and a policy of a few words. */
#pragma once
#include "tables.h"

struct notice;

/* Rules of the stub: a file `denied` is denied, and so is one whose first argument is `evil`; `unmatched` is matched by
 * nothing; `hashed` is allowed with the hash of `allowed` only; `hidden` must not be read. A path with `writable` in it can
 * be written. */
extern struct tables stub_tables;
/* Takes the hash of the folder's `allowed` for the good one. */
void stub_choose_good(const char *folder);
