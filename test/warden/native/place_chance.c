/* Where paths of chance lead, by the kernel and by us. */
#define _GNU_SOURCE
#include "path_walk.h"
#include "place_scene.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *error_name(int error) { return error ? strerrorname_np(error) : ""; }

int open_count(void) {
    DIR *all = opendir("/proc/self/fd");
    int count = 0;
    check(all != NULL, "/proc/self/fd");
    while (readdir(all))
        count++;
    closedir(all);
    return count;
}

void check_entry(const struct place *p) {
    struct stat named;
    if (p->parent < 0)
        return;
    int result = fstatat(p->parent, p->name, &named, AT_SYMLINK_NOFOLLOW);
    check((result == 0) == (p->object >= 0), "the entry");
    check(result || (named.st_ino == p->status.st_ino && named.st_dev == p->status.st_dev), "the entry's object");
}

static unsigned long chance_state;

static unsigned chance(unsigned below) {
    chance_state = chance_state * 6364136223846793005UL + 1442695040888963407UL;
    return (unsigned)(chance_state >> 33) % below;
}

static void make_path(char *path, const char *scratch) {
    static const char *const names[] = {"directory", "file",  "to-file",  "to-directory", "up",   "..",
                                        ".",         "below", "dangling", "loop",         "deep", "none"};
    path[0] = 0;
    if (chance(4) == 0)
        sprintf(path, "%s%s", scratch, chance(2) ? "/" : "//");
    for (unsigned left = 1 + chance(6); left-- > 0;) {
        strcat(path, names[chance(sizeof names / sizeof *names)]);
        if (left || chance(4) == 0)
            strcat(path, chance(8) ? "/" : "///");
    }
}

/* The kernel's own answer to the same question. */
static int ask_kernel(int base, const char *path, unsigned flags, struct stat *found) {
    int fd = openat(base, path, O_PATH | O_CLOEXEC | (flags & PLACE_FOLLOW ? 0 : O_NOFOLLOW));
    if (fd < 0)
        return errno;
    check(fstat(fd, found) == 0, "fstat");
    close(fd);
    return 0;
}

static void compare(const char *path, unsigned flags, int expected, const struct stat *object, int error,
                    const struct place *p) {
    if (error == expected &&
        (error || (object->st_ino == p->status.st_ino && object->st_dev == p->status.st_dev)))
        return;
    fprintf(stderr, "%s (%u): %s, the kernel: %s\n", path, flags, error_name(error), error_name(expected));
    _exit(3);
}

void try_chance(pid_t caller, unsigned long seed, unsigned count, const char *scratch) {
    struct notice notice = {.tid = caller};
    int base = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC), before = open_count();
    unsigned found = 0;
    chance_state = seed;
    for (unsigned i = 0; i < count; i++) {
        static char path[2 * PATH_MAX];
        make_path(path, scratch);
        struct place p = {.object = -1, .parent = -1};
        struct stat object;
        unsigned flags = chance(2) ? PLACE_FOLLOW : 0;
        int expected = ask_kernel(base, path, flags, &object);
        int error = place_find(&notice, base, path, flags, 0, &p);
        compare(path, flags, expected, &object, error, &p);
        found += !error;
        place_close(&p);
        error = path_walk(&notice, base, path, flags, 0, &p);
        compare(path, flags, expected, &object, error, &p);
        place_close(&p);
        /* What can be made has a parent and no object; all else is as before. */
        error = place_find(&notice, base, path, flags | PLACE_PARENT, 0, &p);
        bool slash = path[strlen(path) - 1] == '/';
        if (!error)
            check_entry(&p);
        if (!error && !slash)
            compare(path, flags, expected, &object, p.object < 0 ? ENOENT : 0, &p);
        place_close(&p);
    }
    check(open_count() == before, "descriptors after chance");
    close(base);
    printf("{\"found\":%u}\n", found);
}
