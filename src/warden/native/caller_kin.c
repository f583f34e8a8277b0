/* Who belongs to a command: the descendants of its shepherd, which is a child of ours. */
#define _GNU_SOURCE
#include "caller.h"
#include "caller_status.h"
#include <unistd.h>

enum { ANCESTORS_MAX = 128 };

struct family {
    pid_t process, parent;
};

static bool look(pid_t pid, struct family *family) {
    char text[STATUS_BYTES];
    if (pid <= 0 || !status_read(pid, text))
        return false;
    family->process = (pid_t)status_number(text, "\nTgid:", 10);
    family->parent = (pid_t)status_number(text, "\nPPid:", 10);
    return family->process > 0 && family->parent >= 0;
}

/* The ancestor that we started, or the process itself if we did. 0: that cannot be told. */
static pid_t shepherd_of(struct family child) {
    for (int i = 0; i < ANCESTORS_MAX; i++) {
        struct family parent, again;
        if (child.parent == getpid())
            return child.process;
        /* A number that is the parent's before and after was the parent's meanwhile. */
        if (!look(child.parent, &parent) || !look(child.process, &again) || again.parent != child.parent)
            return 0;
        child = parent;
    }
    return 0;
}

enum kinship caller_kinship(const struct notice *notice, pid_t pid) {
    struct family other, caller;
    if (!look(pid, &other))
        return KINSHIP_GONE;
    if (other.process == getpid() || !look(notice->tid, &caller) || !notice_is_live(notice))
        return KINSHIP_KEEPER;
    if (other.process == caller.process)
        return KINSHIP_KIN;
    pid_t shepherd = shepherd_of(other);
    if (shepherd == 0 || shepherd == other.process)
        return KINSHIP_KEEPER;
    return shepherd == shepherd_of(caller) ? KINSHIP_KIN : KINSHIP_STRANGER;
}

bool caller_is_kin(const struct notice *notice, pid_t pid) { return caller_kinship(notice, pid) == KINSHIP_KIN; }
