/* Where what a call is about lies: by a path of the caller, or by its descriptor. */
#define _GNU_SOURCE
#include "request.h"
#include "caller.h"
#include "hands.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void refuse_directory(struct request *r) { request_fail(r, ENOTDIR); }

/* Where a path of the caller starts; AT_FDCWD: it is absolute. False: it was answered. */
static bool find_base(struct request *r, int directory, bool needed, int *base) {
    *base = AT_FDCWD;
    if (!needed)
        return true;
    *base = r->fd >= 0 ? -1 : caller_directory(&r->notice, directory, &r->fd);
    if (*base >= 0)
        return true;
    if (r->fd < 0) {
        request_fail(r, errno);
        return false;
    }
    /* A copy of what is no directory. To close it is not for here: the last one to close a socket may have to wait. */
    r->perform = refuse_directory;
    r->must_run = true;
    slow_hands_take(r);
    return false;
}

bool request_find(struct request *r, int directory, uint64_t address, unsigned flags, uint64_t how,
                  struct place *place) {
    char path[PATH_MAX];
    int base;
    if (!caller_string(&r->notice, address, path, sizeof path)) {
        request_fail(r, errno);
        return false;
    }
    bool itself = path[0] == 0 && flags & PLACE_EMPTY;
    if (itself && (base = caller_open(&r->notice, directory)) < 0) {
        request_fail(r, errno);
        return false;
    }
    if (!itself && !find_base(r, directory, path[0] != '/' || how, &base))
        return false;
    int error = place_find(&r->notice, base, path, flags, how, place);
    if (base >= 0)
        close(base);
    if (error)
        request_fail(r, error);
    return error == 0;
}

bool request_find_descriptor(struct request *r, int fd, struct place *place) {
    int base = fd < 0 ? -1 : caller_open(&r->notice, fd);
    int error = fd < 0 ? EBADF : base < 0 ? errno : 0;
    if (!error)
        error = caller_only_names(&r->notice, fd) ? EBADF : place_find(&r->notice, base, "", PLACE_EMPTY, 0, place);
    if (base >= 0)
        close(base);
    if (error)
        request_fail(r, error);
    return error == 0;
}
