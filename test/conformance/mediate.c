/* Makes system calls, each in one exact form and in a process of its own, and prints what came of it: OK, what it read,
 * the name of the errno, or that of the signal. Jobs are lines of the input: CALL WAY PATH [OTHER]. A way is how the
 * call gets its paths: absolute, cwd (relative to the working directory) or dirfd (relative to a descriptor). */
#define _GNU_SOURCE
#include "mediate.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 512 };

char answer[256];

long read_answer(long fd) {
    if (fd < 0)
        return -1;
    ssize_t size = read((int)fd, answer, sizeof answer - 1);
    if (size < 0)
        return -1;
    answer[size] = 0;
    for (char *at = answer; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '_';
    return 0;
}

long write_some(long fd) { return fd < 0 ? -1 : write((int)fd, "written by the call\n", 20); }

int open_for_reading(const struct name *one) {
    return openat(one->directory, one->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* Splits a path, and enters or opens its folder. */
static int name_it(struct name *name, const char *way, char *path, char plain[PATH_BYTES]) {
    *name = (struct name){path, AT_FDCWD, path};
    char *slash = strrchr(path, '/');
    if (!strcmp(way, "absolute") || !slash || slash == path)
        return 0;
    *slash = 0;
    name->plain = name->path = slash + 1;
    if (!strcmp(way, "cwd"))
        return chdir(path);
    name->directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    snprintf(plain, PATH_BYTES, "/proc/self/fd/%d/%s", name->directory, name->path);
    name->plain = plain;
    return name->directory < 0 ? -1 : 0;
}

static const struct call *find_call(const char *name) {
    static const struct call *const tables[] = {open_calls, name_calls, metadata_calls, start_calls};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct call *call = tables[i]; call->name; call++)
            if (!strcmp(call->name, name))
                return call;
    return NULL;
}

_Noreturn static void make_call(const struct call *call, const char *way, char *path, char *other_path) {
    struct name one, other;
    char plain[PATH_BYTES], other_plain[PATH_BYTES];
    /* Both of a call lie in one folder: entering it twice would not work. */
    if (name_it(&one, way, path, plain) ||
        (strcmp(way, "cwd") ? name_it(&other, way, other_path, other_plain) : 0)) {
        printf("no folder: %s\n", strerrorname_np(errno));
        fflush(stdout);
        _exit(0);
    }
    if (!strcmp(way, "cwd")) {
        char *slash = strrchr(other_path, '/');
        const char *base = slash ? slash + 1 : other_path;
        other = (struct name){base, AT_FDCWD, base};
    }
    errno = 0;
    answer[0] = 0;
    long result = call->run(&one, &other);
    if (result < 0)
        puts(strerrorname_np(errno));
    else
        printf("OK%s%s\n", *answer ? ":" : "", answer);
    fflush(stdout);
    _exit(0);
}

static void run_job(char *line) {
    char *rest = NULL;
    const char *name = strtok_r(line, " \n", &rest), *way = strtok_r(NULL, " \n", &rest);
    char *path = strtok_r(NULL, " \n", &rest), *other = strtok_r(NULL, " \n", &rest);
    char nothing[] = "";
    const struct call *call = name && path ? find_call(name) : NULL;
    if (!call) {
        puts("no such call");
        return;
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        make_call(call, way, path, other ? other : nothing);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        puts("no process");
    else if (WIFSIGNALED(status))
        printf("SIG%s\n", sigabbrev_np(WTERMSIG(status)));
}

int main(int argc, char **argv) {
    char line[2 * PATH_BYTES];
    /* What the start calls start. */
    if (argc > 1 && !strcmp(argv[1], "ran")) {
        puts("OK");
        return 0;
    }
    umask(022);
    if (argc > 3) {
        snprintf(line, sizeof line, "%s %s %s %s", argv[1], argv[2], argv[3], argc > 4 ? argv[4] : "");
        run_job(line);
        return 0;
    }
    while (fgets(line, sizeof line, stdin))
        run_job(line);
    return 0;
}
