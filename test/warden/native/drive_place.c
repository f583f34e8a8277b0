/* Finds places for a caller in a small sandbox. Usage: drive_place SCRATCH; each line of the input is a question:
 *
 *   find WHO BASE FLAGS HOW PATH   WHO: caller, thread. BASE: cwd, or a descriptor of WHO. PATH: percent-encoded, with
 *                                  {caller} and the like for the numbers of processes
 *   caller                         what the functions of caller.h say
 *   sockets                        what those of bound_sockets.h say
 *   naive PATH                     where the path leads for us, below SCRATCH
 *   random SEED COUNT              compares with the kernel, for paths of chance
 *
 * Each answer is a line of JSON, strings in it percent-encoded. */
#define _GNU_SOURCE
#include "bound_sockets.h"
#include "caller.h"
#include "caller_cards.h"
#include "own_descriptors.h"
#include "place.h"
#include "place_open.h"
#include "place_scene.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

const char *__asan_default_options(void);
/* Leaks are looked for by ptrace, which an undumpable process refuses. */
const char *__asan_default_options(void) { return "detect_leaks=0"; }

static struct pids pids;

static void put(const char *words) {
    for (; *words; words++)
        if (*words <= ' ' || *words == '%' || *words == '"' || *words == '\\' || *words == 0x7f)
            printf("%%%02X", (unsigned char)*words);
        else
            putchar(*words);
}

static void decode(char *words) {
    char *to = words;
    for (char *at = words; *at; to++) {
        unsigned value;
        bool coded = *at == '%' && sscanf(at + 1, "%2x", &value) == 1;
        *to = coded ? (char)value : *at;
        at += coded ? 3 : 1;
    }
    *to = 0;
}

static void replace_pids(char *path, size_t size) {
    static const char *const names[] = {"{caller}", "{thread}", "{kin}", "{shepherd}", "{stranger}", "{wardenThread}"};
    const pid_t numbers[] = {pids.caller,   pids.thread,   pids.kin,
                             pids.shepherd, pids.stranger, pids.warden_thread};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *at = strstr(path, names[i]), *rest = at ? strdup(at + strlen(names[i])) : NULL;
        if (at)
            snprintf(at, size - (size_t)(at - path), "%d%s", numbers[i], rest);
        free(rest);
    }
}

static const char *kind(const struct place *p) {
    if (p->object < 0)
        return "none";
    switch (p->status.st_mode & S_IFMT) {
    case S_IFREG: return "file";
    case S_IFDIR: return "directory";
    case S_IFLNK: return "link";
    case S_IFIFO: return "pipe";
    case S_IFSOCK: return "socket";
    default: return "other";
    }
}

static void find(char *line) {
    char who[16], start[16];
    static char path[3 * PATH_MAX];
    unsigned flags;
    unsigned long how;
    path[0] = 0;
    check(sscanf(line, "find %15s %15s %u %lu %s", who, start, &flags, &how, path) >= 4, line);
    decode(path);
    replace_pids(path, sizeof path);
    struct notice notice = {.tid = strcmp(who, "caller") == 0 ? pids.caller : pids.thread};
    int before = open_count();
    int base = caller_open(&notice, strcmp(start, "cwd") == 0 ? AT_FDCWD : atoi(start));
    check(base >= 0, "the base");
    struct place p;
    int error = place_find(&notice, base, path, flags, how, &p);
    if (error) {
        check(p.object == -1 && p.parent == -1, "nothing open after an error");
        printf("{\"error\":\"%s\"}\n", error_name(error));
    } else {
        check_entry(&p);
        printf("{\"kind\":\"%s\",\"path\":\"", kind(&p));
        put(p.path);
        printf("\",\"name\":\"");
        put(p.name);
        printf("\",\"parent\":%d,\"kernel\":%d,\"own\":%d,\"anonymous\":%d,\"unlinked\":%d}\n", p.parent >= 0, p.kernel,
               p.own, p.anonymous, p.unlinked);
    }
    place_close(&p);
    close(base);
    card_forget(&notice);
    check(open_count() == before, "descriptors after place_find");
}

static void tell_naive(const char *scratch, char *line) {
    char path[PATH_MAX];
    line[strcspn(line, "\n")] = 0;
    int base = open(scratch, O_PATH | O_CLOEXEC), fd = open_at(base, line + strlen("naive "), 0, 0);
    check(fd >= 0 && path_of(fd, path) == 0, line);
    printf("{\"path\":\"%s\"}\n", path);
    close(fd);
    close(base);
}

/* ---- caller.h ---- */

static uint64_t address(size_t offset) { return (uint64_t)(uintptr_t)(text + offset); }

static void tell_string(const char *label, const struct notice *n, uint64_t at, size_t capacity) {
    static char words[PATH_MAX];
    bool read = caller_string(n, at, words, capacity);
    printf("\"%s\":\"%s\",", label, read ? words : error_name(errno));
}

static void tell_bytes(const char *label, const struct notice *n, uint64_t at, size_t size) {
    static char bytes[TEXT_BYTES];
    printf("\"%s\":\"%s\",", label, caller_bytes(n, at, bytes, size) ? "read" : error_name(errno));
}

static void tell_inode(const char *label, int fd) {
    struct stat s;
    if (fd >= 0 && fstat(fd, &s) == 0)
        printf("\"%s\":\"%llu\",", label, (unsigned long long)s.st_ino);
    else
        printf("\"%s\":\"%s\",", label, error_name(errno));
    if (fd >= 0)
        close(fd);
}

static void tell_binary(const struct notice *n) {
    char path[PATH_MAX];
    caller_binary(n, path);
    printf("\"binary\":\"");
    put(path);
    printf("\",");
}

static void tell_kin(const struct notice *n) {
    static const char *const names[] = {"kin", "stranger", "keeper", "gone"};
    const pid_t asked[] = {pids.caller,           pids.thread, pids.kin, pids.shepherd, pids.stranger,
                           pids.stranger_shepherd, 1,           pids.warden_thread,  4194303, 0, -1};
    printf("\"kinship\":[");
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        printf("%s\"%s\"", i ? "," : "", names[caller_kinship(n, asked[i])]);
    printf("],");
}

static void tell_caller(void) {
    struct notice caller = {.tid = pids.caller}, thread = {.tid = pids.thread};
    int before = open_count();
    putchar('{');
    tell_string("string", &caller, address(0), PATH_MAX);
    tell_string("string before an unmapped page", &caller, address(2 * 4096 - 4), PATH_MAX);
    tell_string("string into an unmapped page", &caller, address(2 * 4096 - 6) + 6, PATH_MAX);
    tell_string("string of no end", &caller, address(100), PATH_MAX);
    tell_string("string of just the capacity", &caller, address(0), 6);
    tell_string("string of one more", &caller, address(0), 5);
    tell_string("string at null", &caller, 0, PATH_MAX);
    tell_string("string beyond memory", &caller, UINT64_MAX - 2, PATH_MAX);
    tell_bytes("bytes over pages", &caller, address(4000), 300);
    tell_bytes("bytes into an unmapped page", &caller, address(8000), 300);
    tell_inode("file", caller_descriptor(&caller, FD_FILE));
    tell_inode("file of the thread", caller_descriptor(&thread, FD_FILE));
    tell_inode("open file of the thread", caller_open(&thread, FD_FILE));
    tell_inode("pipe", caller_descriptor(&caller, FD_PIPE));
    tell_inode("open pipe", caller_open(&caller, FD_PIPE));
    tell_inode("descriptor that is not there", caller_descriptor(&caller, 999));
    tell_inode("open descriptor that is not there", caller_open(&caller, 999));
    tell_inode("negative descriptor", caller_descriptor(&caller, -1));
    tell_inode("open negative descriptor", caller_open(&caller, -7));
    tell_inode("working directory", caller_open(&caller, AT_FDCWD));
    tell_inode("working directory of the thread", caller_open(&thread, AT_FDCWD));
    printf("\"umasks\":[%u,%u],", caller_umask(&caller), caller_umask(&thread));
    printf("\"processes\":[%d,%d],", caller_process(&caller), caller_process(&thread));
    tell_binary(&caller);
    tell_kin(&caller);
    live = false;
    tell_string("string of the dead", &caller, address(0), PATH_MAX);
    tell_inode("file of the dead", caller_descriptor(&caller, FD_FILE));
    tell_inode("open file of the dead", caller_open(&caller, FD_FILE));
    printf("\"dead\":[%u,%d]}\n", caller_umask(&caller), caller_process(&caller));
    live = true;
    /* One of each thread is kept until then. */
    card_forget(&caller);
    card_forget(&thread);
    check(open_count() == before, "descriptors after caller_*");
}

/* ---- bound_sockets.h ---- */

static int bind_socket(const char *path) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(path);
    check(fd >= 0 && bind(fd, (struct sockaddr *)&name, sizeof name) == 0, path);
    return fd;
}

static bool was_bound(const char *path) {
    struct stat s;
    check(stat(path, &s) == 0, path);
    return socket_was_bound_here(&s);
}

static void tell_sockets(const char *scratch) {
    check(chdir(scratch) == 0, scratch);
    int inside = bind_socket("inside.sock");
    int before = open_count();
    for (int i = 0; i < 2000; i++)
        check(socket(AF_UNIX, SOCK_STREAM, 0) >= 0, "many sockets");
    bool work = bound_sockets_work(), here = was_bound("inside.sock"), outside = was_bound("outside.sock"),
         file = was_bound("file");
    check(open_count() == before + 2000, "descriptors after bound_sockets_*");
    close(inside);
    printf("{\"work\":%d,\"inside\":%d,\"outside\":%d,\"file\":%d,\"closed\":%d}\n", work, here, outside, file,
           was_bound("inside.sock"));
    for (int fd = before - 3; fd < before + 2000; fd++)
        close(fd);
    check(chdir("/") == 0, "/");
}

int main(int argc, char **argv) {
    static char line[4 * PATH_MAX];
    if (argc != 2 || chdir(argv[1]))
        return 2;
    bind_socket("outside.sock");
    enter_sandbox(argv[1]);
    pids = start_commands(argv[1]);
    check(own_descriptors() >= 0, "own descriptors");
    printf("{\"caller\":%d,\"thread\":%d,\"kin\":%d,\"shepherd\":%d,\"stranger\":%d,\"wardenThread\":%d}\n", pids.caller,
           pids.thread, pids.kin, pids.shepherd, pids.stranger, pids.warden_thread);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        unsigned long seed;
        unsigned count;
        if (strncmp(line, "find ", 5) == 0)
            find(line);
        else if (strncmp(line, "naive ", 6) == 0)
            tell_naive(argv[1], line);
        else if (strcmp(line, "caller\n") == 0)
            tell_caller();
        else if (strcmp(line, "sockets\n") == 0)
            tell_sockets(argv[1]);
        else if (sscanf(line, "random %lu %u", &seed, &count) == 2)
            try_chance(pids.caller, seed, count, argv[1]);
        else
            return 2;
        fflush(stdout);
    }
    return 0;
}
