#define _GNU_SOURCE
#include "tree_watch.h"
#include "file_tree.h"
#include "tree_stream.h"
#include "watched_places.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
    DEPTH_MAX = 256,
    EVENT_BYTES = 64 * 1024,
    /* The halves of a rename come one after the other, but not at once. */
    OTHER_HALF_MS = 10,
    MASK = IN_CREATE | IN_DELETE | IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |
           IN_ONLYDIR,
};

static int notifier, top_watch;
/* Not held open: a directory that is would not be told of as deleted. */
static const char *top;
static bool is_recursive;

/* The first half of a rename, until the second comes. */
static struct {
    uint32_t cookie; /* 0: none */
    bool directory;
    char path[MAX_TREE_PATH_BYTES + 1];
} leaving;

/* ---- telling ---- */

static bool tell(uint8_t kind, bool directory, const char *path, const char *from) {
    static char last[MAX_TREE_PATH_BYTES + 1];
    static uint8_t last_kind;
    /* Many writes are one change, as long as nothing else comes between. */
    if (kind == CHANGE_MODIFIED && last_kind == kind && strcmp(last, path) == 0)
        return true;
    last_kind = kind;
    snprintf(last, sizeof last, "%s", path);
    struct msg_change change = {
        .kind = kind, .directory = directory, .path = slice_of(path), .from = slice_of(from)};
    struct buffer b = {0};
    encode_change(&b, &change);
    uint32_t size = (uint32_t)b.size;
    bool told = tree_put(&size, sizeof size) && tree_put(b.data, b.size);
    buffer_free(&b);
    return told;
}

/* ---- watching ---- */

static bool join(char path[static MAX_TREE_PATH_BYTES + 1], const char *directory, const char *name) {
    int size = snprintf(path, MAX_TREE_PATH_BYTES + 1, "%s%s%s", directory, *directory ? "/" : "", name);
    return size >= 0 && (size_t)size <= MAX_TREE_PATH_BYTES;
}

/* By the descriptor: what is watched is what the policy let open. */
static int watch_directory(int fd, const char *path) {
    char self[32];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    int watch = inotify_add_watch(notifier, self, MASK);
    if (watch >= 0 && !places_put(watch, path)) {
        inotify_rm_watch(notifier, watch);
        errno = ENOSPC;
        return -1;
    }
    return watch;
}

static int open_top(void) { return open(top, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC); }

static bool watch_children(int fd, const char *path, bool telling, int depth);

/* False: there are too many, or nobody reads. One that cannot be opened, or is gone, is passed over. */
static bool watch_tree(int parent, const char *name, const char *path, bool telling, int depth) {
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return true;
    bool watched = watch_directory(fd, path) >= 0 || errno == ENOENT || errno == EACCES;
    /* Watched first, then read: what is made between is told twice rather than not at all. */
    watched = watched && watch_children(fd, path, telling, depth);
    int error = errno;
    close(fd);
    errno = error;
    return watched;
}

static bool watch_child(int fd, const char *path, const struct dirent *child, bool telling, int depth) {
    struct stat object;
    char below[MAX_TREE_PATH_BYTES + 1];
    if (!join(below, path, child->d_name) || fstatat(fd, child->d_name, &object, AT_SYMLINK_NOFOLLOW))
        return true;
    bool directory = S_ISDIR(object.st_mode);
    if (telling && !tell(CHANGE_CREATED, directory, below, ""))
        return false;
    return !directory || watch_tree(fd, child->d_name, below, telling, depth + 1);
}

static bool watch_children(int fd, const char *path, bool telling, int depth) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    DIR *directory = copy < 0 || depth == DEPTH_MAX ? NULL : fdopendir(copy);
    if (!directory) {
        close(copy);
        return true;
    }
    bool watched = true;
    rewinddir(directory);
    for (struct dirent *child; watched && (child = readdir(directory));)
        if (!tree_is_dots(child->d_name))
            watched = watch_child(fd, path, child, telling, depth);
    int error = errno;
    closedir(directory);
    errno = error;
    return watched;
}

/* A directory that came. Where there are too many to watch, changes will be lost, and that is said. */
static bool watch_new(const char *path) {
    int fd = is_recursive ? open_top() : -1;
    if (fd < 0)
        return true;
    bool watched = watch_tree(fd, path, path, true, 0);
    close(fd);
    return watched || tell(CHANGE_OVERFLOW, false, "", "");
}

/* ---- events ---- */

/* The other half did not come: it is gone from here. */
static bool has_left(void) {
    if (leaving.cookie == 0)
        return true;
    leaving.cookie = 0;
    if (leaving.directory)
        places_drop(leaving.path, notifier);
    return tell(CHANGE_DELETED, leaving.directory, leaving.path, "");
}

static bool on_arrival(const struct inotify_event *event, const char *path) {
    bool directory = event->mask & IN_ISDIR;
    if (leaving.cookie != 0 && leaving.cookie == event->cookie) {
        leaving.cookie = 0;
        if (directory)
            places_move(leaving.path, path);
        return tell(CHANGE_RENAMED, directory, path, leaving.path);
    }
    return tell(CHANGE_CREATED, directory, path, "") && (!directory || watch_new(path));
}

static void on_departure(const struct inotify_event *event, const char *path) {
    leaving.cookie = event->cookie;
    leaving.directory = event->mask & IN_ISDIR;
    snprintf(leaving.path, sizeof leaving.path, "%s", path);
}

static bool on_named(const struct inotify_event *event, const char *path) {
    bool directory = event->mask & IN_ISDIR;
    if (event->mask & IN_MOVED_TO)
        return on_arrival(event, path);
    if (event->mask & IN_MOVED_FROM) {
        on_departure(event, path);
        return true;
    }
    if (event->mask & IN_CREATE)
        return tell(CHANGE_CREATED, directory, path, "") && (!directory || watch_new(path));
    return tell(event->mask & IN_DELETE ? CHANGE_DELETED : CHANGE_MODIFIED, directory, path, "");
}

/* Events were lost, and with them directories. Those that are there are watched; what happened in them nobody knows. */
static bool on_overflow(void) {
    leaving.cookie = 0;
    int fd = is_recursive ? open_top() : -1;
    if (fd >= 0) {
        watch_children(fd, "", false, 0);
        close(fd);
    }
    return tell(CHANGE_OVERFLOW, false, "", "");
}

/* False: nobody reads, or what is watched is gone (`over`). */
static bool on_event(const struct inotify_event *event, bool *over) {
    char path[MAX_TREE_PATH_BYTES + 1];
    if (event->mask & IN_Q_OVERFLOW)
        return on_overflow();
    /* What happens next in a folder that left is no business of this one any more. */
    if (!(event->mask & IN_MOVED_TO && event->cookie == leaving.cookie) && !has_left())
        return false;
    if (event->wd == top_watch && event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) {
        *over = true;
        return tell(CHANGE_DELETED, true, "", "");
    }
    if (event->mask & IN_IGNORED)
        places_forget(event->wd);
    const char *directory = places_find(event->wd);
    if (!directory || event->len == 0)
        return true;
    if (!join(path, directory, event->name))
        return tell(CHANGE_OVERFLOW, false, "", "");
    return on_named(event, path);
}

static bool on_events(bool *over) {
    static uint8_t events[EVENT_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t size = read(notifier, events, sizeof events);
    if (size < 0 && errno == EINTR)
        return true;
    if (size <= 0)
        return false;
    for (size_t at = 0; at < (size_t)size && !*over;) {
        const struct inotify_event *event = (const struct inotify_event *)(events + at);
        if (!on_event(event, over))
            return false;
        at += sizeof *event + event->len;
    }
    return true;
}

static bool tell_all(void) {
    bool over = false;
    while (!over) {
        if (!on_events(&over))
            return false;
        struct pollfd more = {notifier, POLLIN, 0};
        if (leaving.cookie != 0 && poll(&more, 1, OTHER_HALF_MS) == 0 && !has_left())
            return false;
        if (!tree_flush())
            return false;
    }
    return true;
}

static bool watch_top(void) {
    int fd = open_top();
    if (fd < 0)
        return false;
    top_watch = watch_directory(fd, "");
    bool watched = top_watch >= 0 && (!is_recursive || watch_children(fd, "", false, 0));
    int error = errno;
    close(fd);
    errno = error;
    return watched;
}

bool tree_watch(const char *path, bool recursive) {
    top = path;
    is_recursive = recursive;
    notifier = inotify_init1(IN_CLOEXEC);
    return notifier >= 0 && watch_top() && tell(CHANGE_READY, true, "", "") && tree_flush() && tell_all();
}
