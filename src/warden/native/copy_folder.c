#define _GNU_SOURCE
#include "copy_folder.h"
#include "copy_file.h"
#include "copy_report.h"
#include "die.h"
#include "file_tree.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* From here on a level is another task: no tree is too deep for a stack. But a path is told in one piece. */
enum { DEPTH_MAX = 4096, PATH_BYTES_MAX = 256 * 1024 };

struct folder {
    struct folder *parent, *next;
    DIR *source;
    int target;
    struct granted granted;
    struct stat stats;
    atomic_uint left; /* folders in it that are not done, and itself */
    size_t depth_bytes; /* of its path below the top */
    char name[];
};

static struct copy_manner manner;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct folder *waiting;
static unsigned busy;
static atomic_int hungry; /* threads without work, less the folders that wait for them */

/* ---- folders for other threads ---- */

static void give(struct folder *folder) {
    pthread_mutex_lock(&lock);
    folder->next = waiting;
    waiting = folder;
    hungry--;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

/* NULL: everything is done. */
static struct folder *take(void) {
    pthread_mutex_lock(&lock);
    hungry++;
    while (!waiting && busy > 0)
        pthread_cond_wait(&changed, &lock);
    struct folder *folder = waiting;
    if (folder) {
        waiting = folder->next;
        busy++;
    }
    pthread_mutex_unlock(&lock);
    return folder;
}

static void leave(void) {
    pthread_mutex_lock(&lock);
    if (--busy == 0)
        pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* ---- names and owners ---- */

/* The path of a folder, into what has room for it. */
static void put_path(const struct folder *folder, uint8_t *path) {
    for (; folder->parent; folder = folder->parent) {
        size_t size = strlen(folder->name);
        memcpy(path + folder->depth_bytes - size, folder->name, size);
        if (folder->depth_bytes > size)
            path[folder->depth_bytes - size - 1] = '/';
    }
}

/* The path of an entry, until the next is asked for in this thread. */
static struct slice path_of(const struct folder *folder, const char *name) {
    static _Thread_local struct buffer path;
    path.size = 0;
    buffer_reserve(&path, folder->depth_bytes + 1);
    put_path(folder, path.data);
    path.size = folder->depth_bytes;
    if (path.size > 0)
        buffer_u8(&path, '/');
    buffer_append(&path, name, strlen(name));
    return (struct slice){path.data, path.size};
}

__attribute__((noreturn)) static void fail_at(const struct folder *folder, const char *name) {
    int error = errno;
    copy_fail(error, path_of(folder, name));
}

/* Set-id bits are never kept. What is only readable belongs to root, and gives the agent's group what its owner had. */
static mode_t mode_of(enum grant access, mode_t mode) {
    if (!manner.chown)
        /* An ancestor's name and times are no secret, and what is in it is not copied. */
        return S_ISDIR(mode) ? (mode & 01777) | 0700 : mode & 01777;
    if (access == GRANT_WRITE)
        return mode & 01777;
    if (access == GRANT_ANCESTOR)
        return 0750;
    return (mode & 0700) | (mode >> 3 & 050) | (mode & 05);
}

static uid_t uid_of(enum grant access) { return access == GRANT_WRITE ? manner.uid : 0; }

static void tell(const struct folder *folder, const char *name, const struct stat *from, const struct stat *to,
                 struct slice target) {
    struct msg_copied entry = {
        .kind = S_ISLNK(from->st_mode) ? KIND_SYMLINK : KIND_FILE,
        .mode = to->st_mode & 07777,
        .size = (uint64_t)from->st_size,
        .device = from->st_dev,
        .inode = from->st_ino,
        .mtime_seconds = (uint64_t)from->st_mtim.tv_sec,
        .mtime_nanoseconds = (uint32_t)from->st_mtim.tv_nsec,
        .ctime_seconds = (uint64_t)from->st_ctim.tv_sec,
        .ctime_nanoseconds = (uint32_t)from->st_ctim.tv_nsec,
        .copy_inode = to->st_ino,
        .copy_ctime_ms = (uint64_t)to->st_ctim.tv_sec * 1000 + (uint64_t)to->st_ctim.tv_nsec / 1000000,
        .path = path_of(folder, name),
        .target = target,
    };
    copy_put(&entry);
}

/* ---- entries ---- */

static void copy_file(struct folder *folder, const char *name, enum grant access) {
    /* What was a file when we looked may be a FIFO now. */
    int source = openat(dirfd(folder->source), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat from, to;
    if (source < 0 || fstat(source, &from)) {
        if (!copy_skip(errno))
            fail_at(folder, name);
        return;
    }
    if (!S_ISREG(from.st_mode)) {
        copy_skip_special();
        close(source);
        return;
    }
    mode_t mode = mode_of(access, from.st_mode);
    int target = openat(folder->target, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0777);
    if (target < 0 && errno == EEXIST) {
        /* It was made anew while the folder was read, and comes twice. */
        copy_note_changed();
        close(source);
        return;
    }
    if (target < 0)
        fail_at(folder, name);
    int64_t copied = copy_content(source, target, from.st_size);
    if (copied < 0)
        fail_at(folder, name);
    if (copied != from.st_size)
        copy_note_changed();
    if (manner.chown && fchown(target, uid_of(access), manner.gid))
        fail_at(folder, name);
    /* After the owner, which clears bits. */
    if (mode & ~0777U && fchmod(target, mode))
        fail_at(folder, name);
    if (futimens(target, (struct timespec[2]){from.st_atim, from.st_mtim}) || fstat(target, &to))
        fail_at(folder, name);
    close(target);
    close(source);
    if (access == GRANT_WRITE)
        tell(folder, name, &from, &to, (struct slice){0});
}

__attribute__((noinline)) static void copy_link(struct folder *folder, const char *name, enum grant access) {
    char text[PATH_MAX];
    struct stat from;
    ssize_t size = readlinkat(dirfd(folder->source), name, text, sizeof text - 1);
    if (size < 0 || fstatat(dirfd(folder->source), name, &from, AT_SYMLINK_NOFOLLOW)) {
        if (!copy_skip(errno == EINVAL ? ELOOP : errno))
            fail_at(folder, name);
        return;
    }
    if (!S_ISLNK(from.st_mode)) {
        copy_note_changed();
        return;
    }
    text[size] = 0;
    if (symlinkat(text, folder->target, name)) {
        if (errno != EEXIST)
            fail_at(folder, name);
        copy_note_changed();
        return;
    }
    if ((manner.chown && fchownat(folder->target, name, uid_of(access), manner.gid, AT_SYMLINK_NOFOLLOW)) ||
        utimensat(folder->target, name, (struct timespec[2]){from.st_atim, from.st_mtim}, AT_SYMLINK_NOFOLLOW))
        fail_at(folder, name);
    struct stat shown = from;
    shown.st_mode = mode_of(access, from.st_mode);
    if (access == GRANT_WRITE)
        tell(folder, name, &from, &shown, (struct slice){(const uint8_t *)text, (size_t)size});
}

/* What is there, of which nothing is copied. */
static void survey_entry(struct folder *folder, const char *name, const struct stat *seen) {
    char text[PATH_MAX];
    ssize_t size = S_ISLNK(seen->st_mode) ? readlinkat(dirfd(folder->source), name, text, sizeof text) : 0;
    if (size >= 0 && (S_ISREG(seen->st_mode) || S_ISLNK(seen->st_mode)))
        tell(folder, name, seen, seen, (struct slice){(const uint8_t *)text, (size_t)size});
}

/* ---- folders ---- */

static struct folder *new_folder(struct folder *parent, DIR *source, struct granted granted, const char *name) {
    size_t size = strlen(name);
    struct folder *folder = calloc(1, sizeof *folder + size + 1);
    if (!folder)
        die("out of memory");
    *folder = (struct folder){.parent = parent, .source = source, .granted = granted, .left = 1};
    memcpy(folder->name, name, size + 1);
    if (parent) {
        folder->depth_bytes = parent->depth_bytes + (parent->depth_bytes > 0) + size;
        parent->left++;
    }
    return folder;
}

/* NULL: it is left out. */
static struct folder *enter(struct folder *parent, const char *name, struct granted granted) {
    int fd = openat(dirfd(parent->source), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *source = fd < 0 ? NULL : fdopendir(fd);
    if (!source) {
        if (!copy_skip(errno))
            fail_at(parent, name);
        return NULL;
    }
    struct folder *folder = new_folder(parent, source, granted, name);
    if (folder->depth_bytes > PATH_BYTES_MAX)
        copy_fail(ENAMETOOLONG, path_of(parent, ""));
    folder->target = -1;
    if (manner.survey)
        return folder;
    /* A folder that the policy names is there already. */
    if ((mkdirat(parent->target, name, 0700) && errno != EEXIST) || fstat(fd, &folder->stats))
        fail_at(parent, name);
    folder->target = openat(parent->target, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder->target < 0)
        fail_at(parent, name);
    return folder;
}

/* Last: an owner or a mode may shut us out, and every new entry changes the time. */
static void finish(struct folder *folder) {
    enum grant access = folder->granted.access;
    const struct stat *stats = &folder->stats;
    if (!manner.survey && ((manner.chown && fchown(folder->target, uid_of(access), manner.gid)) ||
         fchmod(folder->target, mode_of(access, stats->st_mode)) ||
         futimens(folder->target, (struct timespec[2]){stats->st_atim, stats->st_mtim})))
        fail_at(folder, "");
    if (folder->target >= 0)
        close(folder->target);
    free(folder);
}

static void release(struct folder *folder) {
    while (folder && --folder->left == 0) {
        struct folder *parent = folder->parent;
        finish(folder);
        folder = parent;
    }
}

static void copy_folder(struct folder *folder, int depth);

static void copy_entry(struct folder *folder, const struct dirent *entry, int depth) {
    const char *name = entry->d_name;
    struct granted granted = grants_descend(folder->granted, name);
    if (granted.access == GRANT_NONE)
        return;
    unsigned char type = entry->d_type;
    struct stat seen;
    if (type == DT_UNKNOWN || (manner.survey && type != DT_DIR)) {
        if (fstatat(dirfd(folder->source), name, &seen, AT_SYMLINK_NOFOLLOW)) {
            if (!copy_skip(errno))
                fail_at(folder, name);
            return;
        }
        type = IFTODT(seen.st_mode);
    }
    if (type == DT_DIR) {
        struct folder *below = enter(folder, name, granted);
        if (below && (depth >= DEPTH_MAX || hungry > 0))
            give(below);
        else if (below)
            copy_folder(below, depth + 1);
    } else if (granted.access == GRANT_ANCESTOR) {
        /* On the way to a granted path there are only folders. */
        return;
    } else if (manner.survey) {
        survey_entry(folder, name, &seen);
    } else if (type == DT_REG) {
        copy_file(folder, name, granted.access);
    } else if (type == DT_LNK) {
        copy_link(folder, name, granted.access);
    } else {
        copy_skip_special();
    }
}

static void copy_folder(struct folder *folder, int depth) {
    struct dirent *entry;
    while ((errno = 0, entry = readdir(folder->source)))
        if (!tree_is_dots(entry->d_name))
            copy_entry(folder, entry, depth);
    if (errno != 0 && !copy_skip(errno))
        fail_at(folder, "");
    closedir(folder->source);
    release(folder);
}

void copy_begin(const char *source, const char *target, struct granted top, struct copy_manner how) {
    struct slice nowhere = {(const uint8_t *)"", 0};
    manner = how;
    DIR *opened = opendir(source);
    if (!opened)
        copy_fail(errno, nowhere);
    struct folder *folder = new_folder(NULL, opened, top, "");
    folder->target = how.survey ? -1 : open(target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if ((folder->target < 0 && !how.survey) || fstat(dirfd(opened), &folder->stats))
        copy_fail(errno, nowhere);
    give(folder);
}

void copy_folders(void) {
    for (struct folder *folder; (folder = take()); leave())
        copy_folder(folder, 0);
    copy_flush();
}
