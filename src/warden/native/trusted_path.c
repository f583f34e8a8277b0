#define _GNU_SOURCE
#include "trusted_path.h"
#include "own_descriptors.h"
#include "policy_frames.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* As many as the kernel follows. */
enum { LINKS_MAX = 40 };

/* Real names. */
static char **folders;
static size_t folder_count;

/* Where no link leads that is not there itself, nor to what holds it: the workspace and volumes, which are for their own rules, and
 * sysfs, which tells of the host. An image is trusted with what it has. */
static char **own_places;
static size_t own_place_count;

static bool lies_in(const char *path, const char *folder) {
    size_t size = strlen(folder);
    return strncmp(path, folder, size) == 0 && (path[size] == 0 || path[size] == '/');
}

static void forget_folders(void) {
    for (size_t i = 0; i < folder_count; i++)
        free(folders[i]);
    free(folders);
    folders = NULL;
    folder_count = 0;
    for (size_t i = 0; i < own_place_count; i++)
        free(own_places[i]);
    free(own_places);
    own_places = NULL;
    own_place_count = 0;
}

static bool add_folder(const char *path) {
    char real[PATH_MAX];
    /* In what is not there nobody has left a link. */
    if (!real_name(path, real))
        return true;
    folders[folder_count] = strdup(real);
    return folders[folder_count] && ++folder_count;
}

/* By its real name, if it is there. */
static bool add_own_place(const char *path) {
    char real[PATH_MAX];
    char *place = strdup(real_name(path, real) ? real : path);
    own_places[own_place_count] = place;
    own_place_count += place != NULL;
    return place;
}

bool trusted_path_begin(struct list paths, struct list volumes, const char *workspace) {
    forget_folders();
    bool has_workspace = workspace && workspace[0];
    folders = calloc((size_t)paths.count + 1, sizeof *folders);
    own_places = calloc((size_t)volumes.count + 2, sizeof *own_places);
    bool added = folders && own_places && add_own_place("/sys") &&
                 (!has_workspace || (add_folder(workspace) && add_own_place(workspace)));
    struct slice path;
    while (added && list_next(&paths, &path)) {
        char *text = slice_string(path);
        added = text && add_folder(text);
        free(text);
    }
    while (added && list_next(&volumes, &path)) {
        char *text = slice_string(path);
        added = text && add_own_place(text);
        free(text);
    }
    return added;
}

static bool is_trusted(int directory) {
    char real[PATH_MAX];
    if (path_of(directory, real) || real[0] != '/')
        return false;
    for (size_t i = 0; i < folder_count; i++)
        if (lies_in(real, folders[i]))
            return false;
    const struct tables *current = policy_in_force();
    return !current || !tables_writable(current, real);
}

/* Those of procfs lead where no text says. */
static bool is_magic(int directory) {
    struct statfs found;
    return fstatfs(directory, &found) == 0 && found.f_type == PROC_SUPER_MAGIC;
}

/* Puts a link's text before the rest. */
static bool follow(int link, char rest[PATH_MAX], const char *next) {
    char target[PATH_MAX];
    ssize_t size = readlinkat(link, "", target, sizeof target - 1);
    if (size <= 0)
        return false;
    size_t left = strlen(next);
    if ((size_t)size + 1 + left >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    target[size] = '/';
    memmove(rest + size + 1, next, left + 1);
    memcpy(rest, target, (size_t)size + 1);
    return true;
}

static int fail(int fd, int other, int error) {
    if (fd >= 0)
        close(fd);
    if (other >= 0)
        close(other);
    errno = error;
    return -1;
}

/* What becomes of a path whose links are followed whoever made them, and as far as there is something. */
struct meaning {
    char missing[PATH_MAX]; /* the rest, of which nothing is there */
    bool (*hearsay)(const char *link, void *context);
    void *context;
};

/* A link of somebody else's was followed. */
static bool tell_hearsay(const struct meaning *m, int directory, const char *name) {
    char path[PATH_MAX];
    size_t size = path_of(directory, path) ? 0 : strlen(path);
    if (size == 0 || size + 1 + strlen(name) >= sizeof path)
        return false;
    path[size] = '/';
    strcpy(path + size + 1, name);
    return m->hearsay(path, m->context);
}

/* Follows links, one by one; without `meaning` none of hearsay. */
static int open_by_links(const char *path, struct meaning *meaning) {
    char rest[PATH_MAX], name[NAME_MAX + 1];
    int at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), links = 0;
    if (at < 0 || strlen(path) >= sizeof rest)
        return fail(at, -1, at < 0 ? errno : ENAMETOOLONG);
    strcpy(rest, path);
    for (const char *next = rest + strspn(rest, "/"); *next;) {
        size_t size = strcspn(next, "/");
        if (size > NAME_MAX)
            return fail(at, -1, ENAMETOOLONG);
        memcpy(name, next, size);
        name[size] = 0;
        next += size;
        next += strspn(next, "/");
        struct stat found;
        int fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && meaning) {
            snprintf(meaning->missing, PATH_MAX, "%s%s%s", name, *next ? "/" : "", next);
            return at;
        }
        if (fd < 0 || fstat(fd, &found))
            return fail(at, fd, errno);
        if (S_ISLNK(found.st_mode) && is_magic(at)) {
            close(fd);
            fd = openat(at, name, O_PATH | O_CLOEXEC);
            if (fd < 0)
                return fail(at, -1, errno);
        } else if (S_ISLNK(found.st_mode)) {
            bool trusted = is_trusted(at);
            if (++links > LINKS_MAX || (!trusted && (!meaning || !tell_hearsay(meaning, at, name))))
                return fail(at, fd, ELOOP);
            if (!follow(fd, rest, next))
                return fail(at, fd, errno);
            close(fd);
            if (rest[0] == '/') {
                close(at);
                at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (at < 0)
                    return -1;
            }
            next = rest + strspn(rest, "/");
            continue;
        }
        close(at);
        at = fd;
    }
    return at;
}

static bool leads_astray(const char *path, int fd) {
    char real[PATH_MAX];
    if (path_of(fd, real))
        return true;
    for (size_t i = 0; i < own_place_count; i++) {
        const char *place = own_places[i];
        bool meets = lies_in(real, place) || lies_in(place, real) || strcmp(real, "/") == 0;
        if (meets && !lies_in(path, place))
            return true;
    }
    return false;
}

int trusted_path_open(const char *path) {
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
    int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
    /* Most paths have none. */
    if (fd >= 0 || errno != ELOOP)
        return fd;
    fd = open_by_links(path, NULL);
    return fd >= 0 && leads_astray(path, fd) ? fail(fd, -1, ELOOP) : fd;
}

bool path_meant(const char *path, char real[PATH_MAX], bool (*hearsay)(const char *link, void *context), void *context) {
    struct meaning meaning = {.missing = "", .hearsay = hearsay, .context = context};
    char above[PATH_MAX];
    int at = open_by_links(path, &meaning);
    bool told = at >= 0 && path_of(at, above) == 0 && above[0] == '/';
    if (at >= 0)
        close(at);
    const char *slash = !*meaning.missing || strcmp(above, "/") == 0 ? "" : "/";
    return told && snprintf(real, PATH_MAX, "%s%s%s", above, slash, meaning.missing) < PATH_MAX;
}
