#define _GNU_SOURCE
#include "place_zone.h"
#include "caller.h"
#include "place_mounts.h"
#include "own_descriptors.h"
#include "place_open.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROC_ROOT_INODE = 1, DEPTH_MAX = 32 };

/* The number of a process as the kernel reads it. 0: it is none. */
static pid_t number_of(const char *name) {
    char *end;
    errno = 0;
    long number = name[0] >= '1' && name[0] <= '9' ? strtol(name, &end, 10) : 0;
    return number > 0 && number <= INT_MAX && errno == 0 && *end == 0 ? (pid_t)number : 0;
}

/* A procfs of another pid namespace gives these numbers to other processes, us among them. */
static int zone_of_root(int root, enum zone *zone) {
    char self[16];
    ssize_t size = readlinkat(root, "self", self, sizeof self - 1);
    if (size < 0)
        return EACCES;
    self[size] = 0;
    *zone = number_of(self) == getpid() ? ZONE_ROOT : ZONE_FOREIGN;
    return 0;
}

static int zone_of_process(const struct notice *notice, const char *name, const struct stat *status, enum zone *zone) {
    pid_t pid = number_of(name);
    if (pid == 0 || !S_ISDIR(status->st_mode))
        return EACCES;
    switch (caller_kinship(notice, pid)) {
    case KINSHIP_KIN: *zone = ZONE_OWN; return 0;
    case KINSHIP_STRANGER: *zone = ZONE_STRANGER; return 0;
    case KINSHIP_KEEPER: *zone = ZONE_KEEPER; return 0;
    case KINSHIP_GONE: return ENOENT;
    }
    return EACCES;
}

/* What `ps` shows of every process. */
static bool is_for_everybody(const char *name, const struct stat *status) {
    static const char *const names[] = {"stat", "statm", "status", "cmdline", "comm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return S_ISREG(status->st_mode);
    return false;
}

int zone_below(const struct notice *notice, enum zone from, const char *name, int fd, const struct stat *status,
               enum zone *zone) {
    *zone = ZONE_ORDINARY;
    if (!is_procfs(fd, status))
        return 0;
    if (status->st_ino == PROC_ROOT_INODE && S_ISDIR(status->st_mode))
        return zone_of_root(fd, zone);
    bool number = isdigit((unsigned char)name[0]);
    switch (from) {
    case ZONE_ORDINARY:
        /* A part of procfs that is mounted elsewhere: nobody knows of which process. */
        return EACCES;
    case ZONE_ROOT:
        *zone = ZONE_GENERAL;
        return number ? zone_of_process(notice, name, status, zone) : 0;
    case ZONE_FOREIGN:
        *zone = ZONE_GENERAL;
        return number ? EACCES : 0;
    case ZONE_KEEPER:
        *zone = ZONE_KEEPER;
        return is_for_everybody(name, status) ? 0 : EACCES;
    default:
        *zone = from;
        return 0;
    }
}

/* Where a climb through procfs is: a directory, the one that it came from, and what that is called. */
struct climb {
    int at, below;
    struct stat status, below_status;
    char path[PATH_MAX];
    const char *name;
};

static int climb_once(struct climb *c) {
    char *slash = strrchr(c->path, '/');
    if (!slash)
        return EACCES;
    *slash = 0;
    c->name = slash + 1;
    if (c->below >= 0)
        close(c->below);
    c->below = c->at;
    c->below_status = c->status;
    c->at = openat(c->below, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (c->at < 0 || fstat(c->at, &c->status))
        return errno;
    return is_procfs(c->at, &c->status) ? 0 : EACCES;
}

static int zone_of_climb(const struct notice *notice, struct climb *c, enum zone *zone) {
    int error = path_of(c->at, c->path), depth = 0;
    for (; !error && c->status.st_ino != PROC_ROOT_INODE; depth++)
        error = depth < DEPTH_MAX ? climb_once(c) : EACCES;
    if (!error)
        error = zone_of_root(c->at, zone);
    if (!error && depth > 0)
        error = zone_below(notice, *zone, c->name, c->below, &c->below_status, zone);
    /* Of those processes nothing deeper can be reached by names. */
    return !error && *zone == ZONE_KEEPER && depth > 1 ? EACCES : error;
}

static int zone_of_directory(const struct notice *notice, int fd, const struct stat *status, enum zone *zone) {
    struct climb climb = {.at = fcntl(fd, F_DUPFD_CLOEXEC, 0), .below = -1, .status = *status};
    int error = climb.at < 0 ? errno : zone_of_climb(notice, &climb, zone);
    if (climb.at >= 0)
        close(climb.at);
    if (climb.below >= 0)
        close(climb.below);
    return error;
}

/* A file knows no way up; its path does, if it still leads to it. */
static int zone_of_file(const struct notice *notice, int fd, const struct stat *status, enum zone *zone) {
    char path[PATH_MAX];
    struct stat above, named;
    enum zone from;
    int error = path_of(fd, path);
    char *slash = error ? NULL : strrchr(path, '/');
    if (error || path[0] != '/' || slash == path)
        return EACCES;
    *slash = 0;
    int directory = open_at(AT_FDCWD, path, O_DIRECTORY, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    if (directory < 0)
        return EACCES;
    error = fstat(directory, &above) || fstatat(directory, slash + 1, &named, AT_SYMLINK_NOFOLLOW) ||
                    named.st_dev != status->st_dev || named.st_ino != status->st_ino
                ? EACCES
                : zone_of(notice, directory, &above, &from);
    close(directory);
    return error ? error : zone_below(notice, from, slash + 1, fd, status, zone);
}

int zone_of(const struct notice *notice, int fd, const struct stat *status, enum zone *zone) {
    *zone = ZONE_ORDINARY;
    if (!is_procfs(fd, status))
        return 0;
    return S_ISDIR(status->st_mode) ? zone_of_directory(notice, fd, status, zone)
                                    : zone_of_file(notice, fd, status, zone);
}

int zone_link_text(const struct notice *notice, enum zone from, const char *name, int link, char text[PATH_MAX]) {
    bool self = strcmp(name, "self") == 0, thread = strcmp(name, "thread-self") == 0;
    if ((self || thread) && from == ZONE_FOREIGN)
        return EACCES;
    if ((self || thread) && from == ZONE_ROOT) {
        pid_t process = caller_process(notice);
        if (process == 0)
            return ESRCH;
        snprintf(text, PATH_MAX, self ? "%d" : "%d/task/%d", process, notice->tid);
        return 0;
    }
    ssize_t size = readlinkat(link, "", text, PATH_MAX);
    if (size <= 0 || size == PATH_MAX)
        return size < 0 ? errno : size == 0 ? ENOENT : ENAMETOOLONG;
    text[size] = 0;
    return 0;
}
