/* Races: one thread flips what a system call was told, between something allowed (a) and something denied (d), while
 * another makes the call. KIND TRIES FOLDER prints how often each was reached. `exchange ONE OTHER` flips two names of a
 * folder until its input ends. In the folder, whoever asks has made what is denied: a file d, or a folder dd. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALLOWED = 10, DENIED = 20, REFUSED = 30, KILLED = 40, OTHER = 50 };

static const char *folder;
/* What is flipped: the last letter of a path, an argument, or an address. */
static char path[512], argument[2] = "a";
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static volatile char *spot;
static atomic_bool over;
static pid_t server;

static const char *at(const char *name) {
    static char text[4][512];
    static int next;
    next = (next + 1) % 4;
    snprintf(text[next], sizeof text[next], "%s/%s", folder, name);
    return text[next];
}

static long exchange(const char *one, const char *other) {
    return syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, 2 /* RENAME_EXCHANGE */);
}

/* ---- who flips ---- */

/* Of uneven length: a steady rhythm could fall in step with what it races against. */
static void pause_a_little(unsigned *state, unsigned most) {
    *state = *state * 1664525 + 1013904223;
    for (volatile unsigned left = (*state >> 8) % most; left > 0; left--)
        ;
}

static void *flip_letter(void *unused) {
    (void)unused;
    for (unsigned state = 1; !over; pause_a_little(&state, 4000))
        *spot = *spot == 'a' ? 'd' : 'a';
    return NULL;
}

static void *flip_names(void *names) {
    char one[512], other[512];
    snprintf(one, sizeof one, "%s/%s", folder, ((const char **)names)[0]);
    snprintf(other, sizeof other, "%s/%s", folder, ((const char **)names)[1]);
    for (unsigned state = 1; !over; pause_a_little(&state, 20000))
        exchange(one, other);
    return NULL;
}

/* ---- one try each: what was reached ---- */

static int refusal(void) { return errno == EACCES || errno == EPERM ? REFUSED : OTHER; }

/* By its content: a name may lie. */
static int reached_by(long fd) {
    char first = 0;
    if (fd < 0)
        return refusal();
    if (read((int)fd, &first, 1) != 1)
        first = 0;
    close((int)fd);
    return first == 'a' ? ALLOWED : first == 'd' ? DENIED : OTHER;
}

static int try_open(void) { return reached_by(syscall(SYS_openat, AT_FDCWD, path, O_RDONLY)); }

static int try_openat2(void) {
    struct open_how how = {.flags = O_RDONLY};
    return reached_by(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how));
}

static void make_allowed(void) {
    int fd = open(at("a"), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, "a", 1) != 1)
        perror("cannot make what is allowed");
    close(fd);
}

/* Whether what is denied is where it was; if not, somebody who may puts it back: the race is won anyway. */
static bool denied_is_there(void) { return faccessat(AT_FDCWD, at("d"), F_OK, 0) == 0; }

static void put_back(void) {
    int fd = open(at("d"), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd >= 0 && write(fd, "d", 1) == 1)
        close(fd);
}

static int try_unlink(void) {
    long result = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    int failed = result < 0 ? refusal() : ALLOWED;
    if (!denied_is_there()) {
        put_back();
        return DENIED;
    }
    if (result == 0)
        make_allowed();
    return failed;
}

static int try_rename(void) {
    long result = syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, at("t"), 0);
    int failed = result < 0 ? refusal() : ALLOWED;
    if (!denied_is_there()) {
        rename(at("t"), at("d"));
        return DENIED;
    }
    if (result == 0)
        rename(at("t"), at("a"));
    return failed;
}

/* Another process, in this memory: the kernel reads it while the other thread writes. */
static int start(const char *program, char *const arguments[]) {
    static char *const no_variables[] = {NULL};
    pid_t child = vfork();
    if (child == 0) {
        syscall(SYS_execve, program, arguments, no_variables);
        _exit(refusal());
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return OTHER;
    return WIFSIGNALED(status) ? (WTERMSIG(status) == SIGKILL ? KILLED : OTHER) : WEXITSTATUS(status);
}

static int try_exec(void) {
    char *arguments[] = {"flip", "which-path", NULL};
    return start(path, arguments);
}

static int try_argument(void) {
    char *arguments[] = {"flip", argument, NULL};
    return start(at("a"), arguments);
}

/* The kernel maps what the program names as its interpreter, and that one runs. */
static int try_interpreter(void) {
    char *arguments[] = {"i", NULL};
    return start(at("i"), arguments);
}

static int try_connect(void) {
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    /* The server says which it is, for the kernel knows only the name that it was bound by. */
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return reached_by(fd);
    int refused = refusal();
    close(fd);
    return refused;
}

/* Two listening sockets, and a process that says to each client which it has reached. */
static bool serve(void) {
    int listeners[2];
    for (int i = 0; i < 2; i++) {
        struct sockaddr_un name = {.sun_family = AF_UNIX};
        snprintf(name.sun_path, sizeof name.sun_path, "%s/s%c", folder, i ? 'd' : 'a');
        listeners[i] = socket(AF_UNIX, SOCK_STREAM, 0);
        if (bind(listeners[i], (struct sockaddr *)&name, sizeof name) || listen(listeners[i], 64)) {
            perror("cannot listen");
            return false;
        }
    }
    server = fork();
    while (server == 0) {
        struct pollfd ready[] = {{listeners[0], POLLIN, 0}, {listeners[1], POLLIN, 0}};
        if (poll(ready, 2, -1) < 0)
            _exit(1);
        for (int i = 0; i < 2; i++) {
            int client = ready[i].revents ? accept(listeners[i], NULL, NULL) : -1;
            if (client < 0)
                continue;
            if (write(client, i ? "d" : "a", 1) != 1)
                errno = 0;
            close(client);
        }
    }
    return server > 0;
}

/* ---- the kinds ---- */

struct kind {
    const char *name;
    int (*attempt)(void);
    /* NULL: a letter is flipped. Else the names that a thread exchanges. */
    const char *names[2];
};

static const struct kind kinds[] = {
    {"open", try_open, {0}},
    {"openat2", try_openat2, {0}},
    {"unlink", try_unlink, {0}},
    {"rename", try_rename, {0}},
    {"execve", try_exec, {0}},
    {"argument", try_argument, {0}},
    {"connect", try_connect, {0}},
    /* i names l as its interpreter, from the folder. */
    {"interpreter", try_interpreter, {"l", "m"}},
    /* l leads to a, and m to d. */
    {"symlink", try_open, {"l", "m"}},
    /* p is a folder with an allowed f; q leads to the denied folder. */
    {"parent", try_open, {"p", "q"}},
    /* The same, while somebody outside exchanges them. */
    {"symlink-outside", try_open, {"", ""}},
    {"parent-outside", try_open, {"", ""}},
    {0},
};

static bool prepare(const struct kind *kind) {
    bool links = !strncmp(kind->name, "symlink", 7), parents = !strncmp(kind->name, "parent", 6);
    const char *name = links ? "l" : parents ? "p/f" : !strcmp(kind->name, "connect") ? "sa" : "a";
    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/sa", folder);
    spot = !strcmp(kind->name, "connect")    ? &address.sun_path[strlen(address.sun_path) - 1]
           : !strcmp(kind->name, "argument") ? argument
                                             : &path[strlen(path) - 1];
    if (!strcmp(kind->name, "interpreter"))
        return chdir(folder) == 0;
    return strcmp(kind->name, "connect") || serve();
}

static int run(const struct kind *kind, long tries) {
    long counts[OTHER + 1] = {0};
    pthread_t flipper;
    if (!prepare(kind))
        return 1;
    bool flips_here = !kind->names[0] || *kind->names[0];
    if (flips_here && pthread_create(&flipper, NULL, kind->names[0] ? flip_names : flip_letter, (void *)kind->names))
        return 1;
    for (long i = 0; i < tries; i++) {
        int outcome = kind->attempt();
        counts[outcome == ALLOWED || outcome == DENIED || outcome == REFUSED || outcome == KILLED ? outcome : OTHER]++;
    }
    over = true;
    if (flips_here)
        pthread_join(flipper, NULL);
    printf("tries %ld allowed %ld denied %ld refused %ld killed %ld other %ld\n", tries, counts[ALLOWED],
           counts[DENIED], counts[REFUSED], counts[KILLED], counts[OTHER]);
    fflush(stdout);
    if (server > 0)
        kill(server, SIGKILL);
    return 0;
}

static int exchange_until_told(const char *one, const char *other) {
    struct pollfd input = {0, POLLIN, 0};
    puts("flipping");
    fflush(stdout);
    unsigned state = 1;
    while (poll(&input, 1, 0) == 0)
        for (int i = 0; i < 100; i++, pause_a_little(&state, 20000))
            if (exchange(one, other)) {
                perror("exchange");
                return 1;
            }
    return 0;
}

/* What the raced starts start says by its status which program, or which argument, it was. */
static int say_which(const char *said) {
    const char *what = strcmp(said, "which-path") ? said : (const char *)getauxval(AT_EXECFN);
    return what[strlen(what) - 1] == 'd' ? DENIED : ALLOWED;
}

int main(int argc, char **argv) {
    if (argc == 2)
        return say_which(argv[1]);
    if (argc == 4 && !strcmp(argv[1], "exchange"))
        return exchange_until_told(argv[2], argv[3]);
    folder = argc == 4 ? argv[3] : "";
    for (const struct kind *kind = kinds; argc == 4 && kind->name; kind++)
        if (!strcmp(kind->name, argv[1]))
            return run(kind, atol(argv[2]));
    fprintf(stderr, "usage: flip KIND TRIES FOLDER\n");
    return 2;
}
