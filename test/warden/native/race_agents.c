/* The agents of race_start.c. Their folder holds the programs of race_program.c, links to them, and scripts and other
 * things that the test puts there. */
#define _GNU_SOURCE
#include "protocol.gen.h"
#include "race_start.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char *no_environment[] = {NULL};
static unsigned exits[256], killed, others;

static void count_end(pid_t pid) {
    int status;
    if (waitpid(pid, &status, __WALL) != pid)
        exit(4);
    if (WIFEXITED(status))
        exits[WEXITSTATUS(status)]++;
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        killed++;
    else
        others++;
}

static void show(void) {
    printf("allowed %u denied %u refused %u killed %u others %u\n", exits[70], exits[90], exits[13], killed, others);
}

/* A child that makes the call, and ends with the errno if that fails. */
static void try_start(const char *path, char *const *argv, char *const *environment) {
    pid_t pid = fork();
    if (pid == 0) {
        execve(path, argv, environment);
        _exit(errno);
    }
    count_end(pid);
}

static void run_plain(int rounds) {
    for (int i = 0; i < rounds; i++) {
        try_start("allowed", (char *[]){"a", "b", NULL}, no_environment);
        try_start("denied", (char *[]){"a", "b", NULL}, no_environment);
    }
    show();
}

/* What a thread flips while another is in the call. */
static struct {
    char path[64];
    char *argv[3];
    char *environment[2];
    atomic_bool stop;
} shared;

/* One byte, so that no third path is ever there. `1` is a link to `allowed`, `2` one to `denied`. */
static void flip_path(bool good) { shared.path[0] = good ? '1' : '2'; }
static void flip_argument(bool good) { shared.argv[1] = good ? "good" : "evil"; }
static void flip_environment(bool good) { shared.environment[0] = good ? "HOME=/nowhere" : "LD_PRELOAD=/writable/x.so"; }
static void flip_link(bool good) {
    unlink("link.new");
    if (symlink(good ? "allowed" : "denied", "link.new") || rename("link.new", "link"))
        exit(5);
}

/* In place: the file stays the same, and so do its times where the clock is coarse. */
static long mark_at;
static void flip_content(bool good) {
    int file = open("writable/hashed", O_WRONLY | O_CLOEXEC);
    /* While it runs, nobody can. */
    if (file >= 0 && pwrite(file, good ? "A" : "Z", 1, mark_at) != 1)
        exit(5);
    if (file >= 0)
        close(file);
    struct timespec pause = {0, 100000};
    nanosleep(&pause, NULL);
}

static void *keep_flipping(void *argument) {
    void (*flip)(bool) = *(void (**)(bool))argument;
    /* Not in step with the call, or it would always be seen in the same state. */
    unsigned seed = (unsigned)getpid();
    while (!shared.stop) {
        flip(true);
        for (volatile int i = rand_r(&seed) % 400; i > 0; i--)
            continue;
        flip(false);
        for (volatile int i = rand_r(&seed) % 400; i > 0; i--)
            continue;
    }
    return NULL;
}

/* Children share the memory, as vfork's do, so that the thread of the parent goes on flipping under the call. */
static int start_shared(void *path) {
    execve(path, shared.argv, shared.environment);
    _exit(errno);
}

static void race(int rounds, void (*flip)(bool), const char *path) {
    static char stack[65536] __attribute__((aligned(16)));
    pthread_t thread;
    shared.argv[0] = "a";
    shared.argv[1] = "good";
    shared.environment[0] = "HOME=/nowhere";
    flip(true);
    pthread_create(&thread, NULL, keep_flipping, &flip);
    for (int i = 0; i < rounds; i++) {
        pid_t pid = clone(start_shared, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)path);
        count_end(pid);
    }
    shared.stop = true;
    pthread_join(thread, NULL);
    show();
}

static void race_path(int rounds) { race(rounds, flip_path, shared.path); }
static void race_argument(int rounds) { race(rounds, flip_argument, "allowed"); }
static void race_environment(int rounds) { race(rounds, flip_environment, "allowed"); }
static void race_link(int rounds) { race(rounds, flip_link, "link"); }

static void race_content(int rounds) {
    static char bytes[1 << 21];
    int file = open("writable/hashed", O_RDONLY | O_CLOEXEC);
    ssize_t size = read(file, bytes, sizeof bytes);
    close(file);
    char *mark = size > 0 ? memmem(bytes, (size_t)size, "MARK OF THE PROGRAM:", 20) : NULL;
    if (!mark)
        exit(5);
    mark_at = mark + 20 - bytes;
    race(rounds, flip_content, "writable/hashed");
}

static void *start_in_thread(void *path) {
    execve(path, (char *[]){"a", NULL}, no_environment);
    return NULL;
}

/* Not the first thread of its process makes the call; with two, both do at once, and one of them ends the other. */
static void start_from_threads(int rounds, int threads, bool first_too) {
    for (int i = 0; i < rounds; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            pthread_t thread[4];
            for (int t = 0; t < threads; t++)
                pthread_create(&thread[t], NULL, start_in_thread, t == 1 ? "./allowed" : "allowed");
            if (first_too)
                start_in_thread("allowed");
            for (int t = 0; t < threads; t++)
                pthread_join(thread[t], NULL);
            _exit(0);
        }
        count_end(pid);
    }
    show();
}

static void from_thread(int rounds) { start_from_threads(rounds, 1, false); }
static void from_threads(int rounds) { start_from_threads(rounds, 4, true); }

/* A start that fails in the kernel leaves nothing traced: the next is verified again. */
static void after_failures(int rounds) {
    for (int i = 0; i < rounds; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            for (int k = 0; k < 3; k++)
                if (execve("nonsense", (char *[]){"a", NULL}, no_environment) == 0 || errno != ENOEXEC)
                    _exit(errno);
            execve("allowed", (char *[]){"a", NULL}, no_environment);
            _exit(errno);
        }
        count_end(pid);
    }
    show();
}

static void while_signalled(int rounds) {
    for (int i = 0; i < rounds; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            for (int k = 0; k < 5; k++)
                execve("nonsense", (char *[]){"a", NULL}, no_environment);
            execve("allowed", (char *[]){"a", NULL}, no_environment);
            _exit(errno);
        }
        for (int k = 0; k < 20; k++) {
            kill(pid, SIGSTOP);
            kill(pid, SIGWINCH);
            kill(pid, SIGCONT);
        }
        count_end(pid);
    }
    show();
}

static void while_killed(int rounds) {
    for (int i = 0; i < rounds; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            execve("sleeper", (char *[]){"a", NULL}, no_environment);
            _exit(errno);
        }
        struct timespec pause = {0, (long)(i % 50) * 10000};
        nanosleep(&pause, NULL);
        kill(pid, SIGKILL);
        count_end(pid);
    }
    show();
}

/* Says what each gave, one line each; the programs print theirs. */
static void start_and_tell(const char *label, int directory, const char *path, char **argv, int flags) {
    printf("%s: ", label);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        syscall(SYS_execveat, directory, path, argv, no_environment, flags);
        _exit(errno);
    }
    int status;
    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status))
        printf("signal %d\n", WTERMSIG(status));
    else if (WEXITSTATUS(status))
        printf("%s\n", WEXITSTATUS(status) == 70 ? "ran" : strerrorname_np(WEXITSTATUS(status)));
    fflush(stdout);
}

static void start_everything(int rounds) {
    (void)rounds;
    char *two[] = {"zero", "one", NULL}, *none[] = {NULL}, *loads[] = {"ld.so", "./denied", NULL};
    FILE *list = fopen("list", "re");
    char name[256];
    while (list && fscanf(list, "%255s", name) == 1)
        start_and_tell(name, AT_FDCWD, name, two, 0);
    if (list)
        fclose(list);
    int folder = open(".", O_PATH | O_DIRECTORY), script = open("script", O_PATH), program = open("allowed", O_PATH);
    start_and_tell("no arguments", AT_FDCWD, "print", none, 0);
    start_and_tell("script without arguments", AT_FDCWD, "script", none, 0);
    start_and_tell("from a directory", folder, "script", two, 0);
    start_and_tell("by descriptor", script, "", two, AT_EMPTY_PATH);
    start_and_tell("program by descriptor", program, "", two, AT_EMPTY_PATH);
    start_and_tell("empty path", folder, "", two, 0);
    start_and_tell("link not followed", AT_FDCWD, "link", two, AT_SYMLINK_NOFOLLOW);
    start_and_tell("unknown flag", AT_FDCWD, "allowed", two, 0x4000);
    start_and_tell("loader", AT_FDCWD, "loader", loads, 0);
    start_and_tell("loader's copy", AT_FDCWD, "copy", loads, 0);
    int memory = memfd_create("m", 0), gone = open("gone", O_PATH | O_CLOEXEC), source = open("allowed", O_RDONLY);
    unlink("gone");
    while (sendfile(memory, source, NULL, 1 << 20) > 0)
        continue;
    start_and_tell("in memory", memory, "", two, AT_EMPTY_PATH);
    start_and_tell("unlinked", gone, "", two, AT_EMPTY_PATH);
    start_and_tell("bad address", AT_FDCWD, "allowed", (char **)8, 0);
    static char *many[70000];
    for (int i = 0; i < 69999; i++)
        many[i] = "x";
    start_and_tell("too many", AT_FDCWD, "allowed", many, 0);
    char *huge = malloc(140000);
    memset(huge, 'x', 139999);
    huge[139999] = 0;
    start_and_tell("too long", AT_FDCWD, "allowed", (char *[]){"a", huge, NULL}, 0);
}

const struct scenario scenarios[] = {
    {"plain", 0, run_plain},
    {"path", 0, race_path},
    {"argument", 0, race_argument},
    {"environment", POLICY_FLAG_ALLOW_LIST, race_environment},
    {"link", 0, race_link},
    {"content", 0, race_content},
    {"thread", 0, from_thread},
    {"threads", 0, from_threads},
    {"failures", 0, after_failures},
    {"signals", 0, while_signalled},
    {"kills", 0, while_killed},
    {"everything", 0, start_everything},
};
const size_t scenario_count = sizeof scenarios / sizeof *scenarios;
