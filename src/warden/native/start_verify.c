/* What a process is at its stop, before the first instruction of its new program. Nobody else shares its memory there. */
#define _GNU_SOURCE
#include "start_verify.h"
#include "loader_variables.h"
#include "sha256.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENVIRONMENT_MAX = 8 << 20, PIECE = 16384 };

static int open_of(pid_t pid, const char *name) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* Until `size` or the end; -1 if it cannot be read. */
static ssize_t read_all(int file, void *bytes, size_t size) {
    size_t done = 0;
    while (done < size) {
        ssize_t count = read(file, (char *)bytes + done, size - done);
        if (count < 0)
            return -1;
        if (count == 0)
            break;
        done += (size_t)count;
    }
    return (ssize_t)done;
}

static bool same_image(pid_t pid, const struct approval *a) {
    char path[64];
    struct stat s;
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    return stat(path, &s) == 0 && s.st_dev == a->device && s.st_ino == a->inode &&
           (!a->check_name || s.st_nlink > 0);
}

static bool has_fingerprint(struct sha256 *hash, size_t size, const struct fingerprint *wanted) {
    uint8_t digest[32];
    sha256_end(hash, digest);
    return size == wanted->size && memcmp(digest, wanted->sha256, sizeof digest) == 0;
}

static bool same_arguments(pid_t pid, const struct approval *a) {
    int file = open_of(pid, "cmdline");
    if (file < 0)
        return false;
    uint8_t piece[PIECE];
    size_t done = 0;
    ssize_t count;
    struct sha256 hash;
    sha256_begin(&hash);
    /* Less than was asked for is the end: were it not, what is missing would be found missing. */
    do {
        count = read(file, piece, sizeof piece);
        if (count < 0 || (size_t)count > a->arguments.size - done)
            break;
        sha256_add(&hash, piece, (size_t)count);
        done += (size_t)count;
    } while (count == sizeof piece);
    close(file);
    return count >= 0 && count < (ssize_t)sizeof piece && has_fingerprint(&hash, done, &a->arguments);
}

static bool same_loader(pid_t pid, const struct approval *a) {
    int file = open_of(pid, "environ");
    if (file < 0)
        return false;
    struct buffer environment = {0}, picked = {0};
    ssize_t count = 0;
    while (environment.size < ENVIRONMENT_MAX) {
        buffer_reserve(&environment, PIECE);
        count = read_all(file, environment.data + environment.size, PIECE);
        if (count <= 0)
            break;
        environment.size += (size_t)count;
    }
    close(file);
    loader_variables_pick((struct slice){environment.data, environment.size}, &picked);
    struct sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, picked.data, picked.size);
    bool same = count == 0 && has_fingerprint(&hash, picked.size, &a->loader);
    buffer_free(&picked);
    buffer_free(&environment);
    return same;
}

/* A file that the kernel has mapped. */
static bool is_expected(const char *path, size_t size, const char *program, const struct approval *a) {
    if (size == strlen(program) && memcmp(path, program, size) == 0)
        return true;
    struct sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, path, size);
    return has_fingerprint(&hash, size, &a->interpreter);
}

/* A line of what is mapped: five fields, and the file's path or the kernel's word for what is none. */
static bool is_expected_line(char *line, const char *program, const struct approval *a, size_t *files) {
    char *rest = line, *inode = NULL;
    for (int field = 0; field < 5; field++)
        inode = strsep(&rest, " ");
    if (!rest)
        return false;
    char *path = rest + strspn(rest, " ");
    path[strcspn(path, "\n")] = 0;
    if (path[0] != '/')
        return strcmp(inode, "0") == 0;
    ++*files;
    /* A newline is written so, and so is a name that has just these letters. */
    return !strstr(path, "\\012") && is_expected(path, strlen(path), program, a);
}

/* Those are the program and its interpreter, in pieces. */
static bool same_mappings(pid_t pid, const struct approval *a) {
    char name[64], program[PATH_MAX], *line = NULL;
    snprintf(name, sizeof name, "/proc/%d/exe", pid);
    ssize_t size = readlink(name, program, sizeof program - 1);
    program[size < 0 ? 0 : size] = 0;
    snprintf(name, sizeof name, "/proc/%d/maps", pid);
    FILE *maps = fopen(name, "re");
    if (!maps)
        return false;
    size_t files = 0, capacity = 0;
    bool same = true;
    while (same && getline(&line, &capacity, maps) > 0)
        same = is_expected_line(line, program, a, &files);
    same = same && feof(maps) && !ferror(maps) && files > 0;
    free(line);
    fclose(maps);
    return same;
}

static bool same_directory(pid_t pid, const struct approval *a) {
    char path[64];
    struct stat s;
    snprintf(path, sizeof path, "/proc/%d/cwd", pid);
    return stat(path, &s) == 0 && s.st_dev == a->directory_device && s.st_ino == a->directory_inode;
}

bool start_is_approved(pid_t pid, const struct approval *a) {
    return same_image(pid, a) && same_arguments(pid, a) && (!a->check_loader || same_loader(pid, a)) &&
           (!a->check_mappings || same_mappings(pid, a)) && (!a->check_directory || same_directory(pid, a));
}
