/* The thread that commands are forked from, once calls are trapped: it is under the floor of the policy.
 *
 * The kernel lets a process look at another only from the same Landlock domain or one above it. So threads that are to
 * read what callers passed, and yet be held by the floor in what they open for them, share a domain that every command's
 * own is made below of. It can be entered only before they exist. */
#pragma once
#include "shepherd.h"
#include "tables.h"

/* Makes the thread, restricts it, and has it make others, which are restricted with it. False: errno says why. */
bool spawner_start(const struct tables *tables, bool (*make_threads)(const struct tables *));
/* As shepherd_start, in that thread where there is one. */
pid_t spawner_fork(const struct task *task, int *report_fd);
