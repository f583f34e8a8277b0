/* What a copy tells the host: what there is now, and what was left out. */
#pragma once
#include "protocol.gen.h"
#include <stdbool.h>

/* Gathers a record of this thread's. */
void copy_put(const struct msg_copied *entry);
/* Sends what this thread has gathered. */
void copy_flush(void);
/* An entry that is none to copy. */
void copy_skip_special(void);
/* A file that was shorter than it should be. */
void copy_note_changed(void);
/* Whether the source's entry is left out for this errno, and not the whole copy given up. */
bool copy_skip(int error);
/* Tells the host why and where it failed, and ends the process. */
__attribute__((noreturn)) void copy_fail(int error, struct slice path);
/* The last record. */
void copy_tell_end(void);
