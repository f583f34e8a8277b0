#define _GNU_SOURCE
#include "place_mounts.h"
#include <linux/magic.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

enum { DEVICES = 32, MOUNTS_MAX = 8 };

/* Devices that are no procfs, each one more than its number: to ask the kernel costs more than all else. */
static _Atomic(uint64_t) ordinary[DEVICES];
static atomic_uint next_device;

bool is_procfs(int fd, const struct stat *status) {
    uint64_t device = (uint64_t)status->st_dev + 1;
    for (size_t i = 0; i < DEVICES; i++)
        if (atomic_load_explicit(&ordinary[i], memory_order_relaxed) == device)
            return false;
    struct statfs filesystem;
    if (fstatfs(fd, &filesystem) || filesystem.f_type == PROC_SUPER_MAGIC)
        return true;
    unsigned slot = atomic_fetch_add_explicit(&next_device, 1, memory_order_relaxed);
    atomic_store_explicit(&ordinary[slot % DEVICES], device, memory_order_relaxed);
    return false;
}

static pthread_once_t looked = PTHREAD_ONCE_INIT;
static char *mounts[MOUNTS_MAX]; /* where procfs is mounted */
static size_t mount_count;
static bool certain;

static bool lies_below(const char *path, const char *top) {
    size_t size = strlen(top);
    return strncmp(path, top, size) == 0 && path[size] == '/';
}

/* False: there is one that its name does not tell. */
static bool add_mount(char *line) {
    if (!strstr(line, " - proc "))
        return true;
    char *rest = line, *point = NULL;
    for (int field = 0; field < 5; field++)
        point = strsep(&rest, " ");
    if (!point || point[0] != '/' || !point[1] || strchr(point, '\\') || mount_count == MOUNTS_MAX)
        return false;
    for (size_t i = 0; i < mount_count; i++)
        if (lies_below(point, mounts[i]))
            return true;
    return (mounts[mount_count++] = strdup(point)) != NULL;
}

static void look_for_mounts(void) {
    char *line = NULL;
    size_t capacity = 0;
    FILE *table = fopen("/proc/self/mountinfo", "re");
    certain = table != NULL;
    while (certain && getline(&line, &capacity, table) > 0)
        certain = add_mount(line);
    certain &= mount_count > 0;
    if (table)
        fclose(table);
    free(line);
}

bool words_enter_procfs(const char *path) {
    pthread_once(&looked, look_for_mounts);
    if (!certain)
        return true;
    for (size_t i = 0; i < mount_count; i++) {
        const char *name = strrchr(mounts[i], '/') + 1;
        size_t size = strlen(name);
        for (const char *at = path; (at = strstr(at, name)); at++)
            if ((at == path || at[-1] == '/') && (at[size] == '/' || at[size] == 0))
                return true;
    }
    return false;
}
