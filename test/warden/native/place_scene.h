/* A sandbox in small for tests: we are the warden, PID 1 of a pid namespace of its own, and two commands run below. */
#pragma once
#include "notice.h"
#include "place.h"
#include <stdbool.h>
#include <sys/types.h>

struct pids {
    pid_t caller, thread, kin, shepherd, stranger, stranger_shepherd, warden_thread;
};

/* What the caller has open, by number. */
enum {
    FD_PIPE = 40,
    FD_DIRECTORY,
    FD_FILE,
    FD_UNLINKED,
    FD_MEMORY,
    FD_SOCKET,
    FD_STATUS,
    FD_LINK,
    FD_SELF,
    FD_WARDEN,
    FD_GONE,
    FD_HARD,
    FD_FOREIGN,
};

enum { TEXT_BYTES = 3 * 4096 };
/* At the same address in the caller, which fills it; all zero here. Its last page is missing there. */
extern char *text;
/* What notice_is_live says. */
extern bool live;

void check(bool fine, const char *what);
/* Becomes the warden: returns in it alone, without capabilities. */
void enter_sandbox(const char *scratch);
/* Starts the commands and a thread of ours. */
struct pids start_commands(const char *scratch);

const char *error_name(int error);
/* How many descriptors we have. */
int open_count(void);
/* Checks that the name in the parent is the object. */
void check_entry(const struct place *place);
/* Compares with the kernel, for paths of chance below a folder. */
void try_chance(pid_t caller, unsigned long seed, unsigned count, const char *scratch);
