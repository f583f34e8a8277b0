#define _GNU_SOURCE
#include "stub_supervisor.h"
#include "caller.h"
#include "hash_cache.h"
#include "place.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct tables stub_tables = {.flags = POLICY_FLAG_DECIDE_PROGRAMS, .mode = MODE_EMULATED};

bool notice_is_live(const struct notice *n) {
    return n->listener < 0 || ioctl(n->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &n->id) == 0;
}

static void respond(const struct notice *n, int error, unsigned flags) {
    struct seccomp_notif_resp r = {.id = n->id, .error = -error, .flags = flags};
    ioctl(n->listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

void notice_fail(const struct notice *n, int error) { respond(n, error, 0); }
void notice_continue(const struct notice *n) { respond(n, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE); }

bool caller_peek(const struct notice *n, uint64_t address, void *bytes, size_t size) {
    struct iovec to = {bytes, size}, from = {(void *)address, size};
    ssize_t count = process_vm_readv(n->tid, &to, 1, &from, 1, 0);
    if (count >= 0)
        errno = EFAULT;
    return count == (ssize_t)size;
}

bool caller_string(const struct notice *n, uint64_t address, char *text, size_t capacity) {
    for (size_t i = 0; i < capacity; i++) {
        if (!caller_peek(n, address + i, text + i, 1))
            return false;
        if (!text[i])
            return true;
    }
    errno = ENAMETOOLONG;
    return false;
}

int caller_open(const struct notice *n, int fd) {
    char path[64];
    if (fd == AT_FDCWD)
        snprintf(path, sizeof path, "/proc/%d/cwd", n->tid);
    else
        snprintf(path, sizeof path, "/proc/%d/fd/%d", n->tid, fd);
    return open(path, O_PATH | O_CLOEXEC);
}

pid_t caller_peek_process(const struct notice *n) {
    char path[64], line[64];
    int tgid = 0;
    snprintf(path, sizeof path, "/proc/%d/status", n->tid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Tgid: %d", &tgid) == 1)
            break;
    if (file)
        fclose(file);
    return tgid;
}

pid_t caller_process(const struct notice *n) { return caller_peek_process(n); }

int place_find(const struct notice *n, int base, const char *path, unsigned flags, uint64_t how, struct place *p) {
    (void)n;
    (void)how;
    memset(p, 0, sizeof *p);
    p->parent = -1;
    if (!path[0] && flags & PLACE_EMPTY)
        p->object = fcntl(base, F_DUPFD_CLOEXEC, 0);
    else
        p->object = openat(base, path, O_PATH | O_CLOEXEC | (flags & PLACE_FOLLOW ? 0 : O_NOFOLLOW));
    if (p->object < 0)
        return errno;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", p->object);
    ssize_t size = readlink(link, p->path, sizeof p->path - 1);
    if (size < 0 || fstat(p->object, &p->status))
        abort();
    p->path[size] = 0;
    char *deleted = strstr(p->path, " (deleted)");
    p->unlinked = deleted && p->status.st_nlink == 0;
    if (p->unlinked)
        *deleted = 0;
    p->kernel = strncmp(p->path, "/proc/", 6) == 0;
    return 0;
}

void place_close(struct place *p) {
    if (p->object >= 0)
        close(p->object);
    p->object = -1;
}

static uint8_t good[32];

void stub_choose_good(const char *folder) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/allowed", folder);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || !hash_file(file, good, NULL))
        abort();
    close(file);
}

static bool is_called(const char *path, const char *name) { return strcmp(strrchr(path, '/') + 1, name) == 0; }

struct ruling tables_path(const struct tables *t, const char *path, uint8_t action, const char *binary) {
    (void)t;
    (void)action;
    (void)binary;
    return (struct ruling){.verdict = is_called(path, "hidden") ? VERDICT_DENY : VERDICT_ALLOW,
                           .reason = REASON_RULE,
                           .rule = 70};
}

struct ruling tables_program(const struct tables *t, const struct candidate *c) {
    (void)t;
    struct ruling r = {.verdict = VERDICT_ALLOW, .reason = REASON_RULE, .rule = 1};
    if (is_called(c->path, "denied") || (c->argv[0] && c->argv[1] && strcmp(c->argv[1], "evil") == 0))
        r.verdict = VERDICT_DENY;
    if (is_called(c->path, "hashed") && (!c->sha256 || memcmp(c->sha256, good, sizeof good) != 0))
        r.verdict = VERDICT_DENY;
    if (is_called(c->path, "unmatched")) {
        r.verdict = VERDICT_DENY;
        r.reason = REASON_UNMATCHED;
    }
    return r;
}

bool tables_need_hash(const struct tables *t, const char *path) {
    (void)t;
    return is_called(path, "hashed");
}

bool tables_writable(const struct tables *t, const char *path) {
    (void)t;
    return strstr(path, "writable") != NULL;
}

bool tables_writable_below(const struct tables *t, const char *directory) {
    (void)t;
    return strstr(directory, "holding") != NULL;
}
