/* What the cases about waiting, starting and sockets need of programs: one job for each call. Answers are lines. */
#define _GNU_SOURCE
#include "guest.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

void say(const char *text) {
    puts(text);
    fflush(stdout);
}

int fail(void) {
    say(strerrorname_np(errno));
    return 0;
}

static struct sockaddr_un address_of(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    return address;
}

static int unix_socket(int flags) { return socket(AF_UNIX, SOCK_STREAM | flags, 0); }

static int connect_to(int fd, const char *path) {
    struct sockaddr_un address = address_of(path);
    return connect(fd, (struct sockaddr *)&address, sizeof address);
}

static int listen_at(const char *path, int backlog) {
    struct sockaddr_un address = address_of(path);
    int fd = unix_socket(0);
    return bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, backlog) ? -1 : fd;
}

/* ---- waiting ---- */

static void on_signal(int signal) { (void)!write(1, signal == SIGINT ? "caught SIGINT\n" : "caught\n", signal == SIGINT ? 14 : 7); }

/* wait-open PATH [restart]: opens a FIFO that nobody writes to; a signal interrupts it, or starts it anew. */
static int wait_open(char **argv) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = argv[1] ? SA_RESTART : 0};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    say("waiting");
    int fd = open(argv[0], O_RDONLY);
    char text[64];
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (size < 0)
        return fail();
    text[size] = 0;
    printf("read %s", text);
    return 0;
}

/* wait-connect PATH: fills the backlog of a socket that accepts nobody, and waits for a place in it. */
static int wait_connect(char **argv) {
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    if (listen_at(argv[0], 0) < 0)
        return fail();
    while (connect_to(unix_socket(SOCK_NONBLOCK), argv[0]) == 0)
        ;
    if (errno != EAGAIN)
        return fail();
    say("waiting");
    return connect_to(unix_socket(0), argv[0]) ? fail() : puts("connected") < 0;
}

static void *open_fifo(void *path) {
    if (open(path, O_RDONLY) >= 0)
        say("opened");
    return NULL;
}

/* wait-opens PATH COUNT: so many threads, each of which opens the FIFO. */
static int wait_opens(char **argv) {
    pthread_t thread;
    for (long left = atol(argv[1]); left > 0; left--)
        if (pthread_create(&thread, NULL, open_fifo, argv[0]))
            return fail();
    say("waiting");
    pause();
    return 0;
}

/* ---- sockets ---- */

/* serve PATH: answers one connection, and tells who it was. */
static int serve(char **argv) {
    int fd = listen_at(argv[0], 4);
    if (fd < 0)
        return fail();
    say("listening");
    int client = accept(fd, NULL, NULL);
    char text[64];
    ssize_t size = client < 0 ? -1 : read(client, text, sizeof text - 1);
    if (size < 0 || write(client, "pong\n", 5) != 5)
        return fail();
    text[size] = 0;
    printf("served %s\n", text);
    return 0;
}

/* ask PATH: says ping and prints the answer, and the name of the peer. */
static int ask(char **argv) {
    int fd = unix_socket(0);
    struct sockaddr_un peer = {0};
    socklen_t length = sizeof peer;
    char text[64];
    if (connect_to(fd, argv[0]) || write(fd, "ping", 4) != 4)
        return fail();
    ssize_t size = read(fd, text, sizeof text - 1);
    if (size < 0 || getpeername(fd, (struct sockaddr *)&peer, &length))
        return fail();
    text[size] = 0;
    printf("%s", text);
    return 0;
}

/* abstract: a socket without a path, served and asked. */
static int abstract(char **argv) {
    (void)argv;
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0cofferdam-case"};
    int server = unix_socket(0), client = unix_socket(0);
    if (bind(server, (struct sockaddr *)&address, sizeof address) || listen(server, 1) ||
        connect(client, (struct sockaddr *)&address, sizeof address))
        return fail();
    say("connected");
    return 0;
}

/* ---- many at once ---- */

static pthread_barrier_t together;
static char **crowd_paths;
static long crowd_rounds, crowd_opened[2], crowd_refused[2], crowd_other;

static void *open_together(void *which) {
    long parity = (long)which % 2;
    pthread_barrier_wait(&together);
    for (long i = 0; i < crowd_rounds; i++) {
        int fd = open(crowd_paths[parity], O_RDONLY | O_CLOEXEC);
        long *count = fd >= 0 ? &crowd_opened[parity] : errno == EACCES ? &crowd_refused[parity] : &crowd_other;
        __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
        if (fd >= 0)
            close(fd);
    }
    return NULL;
}

/* crowd THREADS ROUNDS EVEN ODD: so many threads open the two files at once, so often. */
static int crowd(char **argv) {
    long threads = atol(argv[0]);
    pthread_t *all = calloc((size_t)threads, sizeof *all);
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 * 1024);
    crowd_rounds = atol(argv[1]);
    crowd_paths = argv + 2;
    pthread_barrier_init(&together, NULL, (unsigned)threads);
    for (long i = 0; i < threads; i++)
        if ((errno = pthread_create(&all[i], &small, open_together, (void *)i)))
            return fail();
    for (long i = 0; i < threads; i++)
        pthread_join(all[i], NULL);
    printf("even %ld refused %ld odd %ld refused %ld other %ld\n", crowd_opened[0], crowd_refused[0], crowd_opened[1],
           crowd_refused[1], crowd_other);
    return 0;
}

/* ---- the rest ---- */

/* undumpable PATH: makes itself undumpable, and then reads a file. */
static int undumpable(char **argv) {
    char text[256];
    if (prctl(PR_SET_DUMPABLE, 0))
        return fail();
    int fd = open(argv[0], O_RDONLY);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (size < 0)
        return fail();
    fwrite(text, 1, (size_t)size, stdout);
    return 0;
}

/* mask PATH: makes a file and a folder under an umask, and prints it again. */
static int mask(char **argv) {
    char folder[512];
    snprintf(folder, sizeof folder, "%s.d", argv[0]);
    umask(027);
    if (open(argv[0], O_WRONLY | O_CREAT | O_EXCL, 0666) < 0 || mkdir(folder, 0777))
        return fail();
    printf("%o\n", (unsigned)umask(0));
    return 0;
}

/* ready: a program that can be recognised. exit STATUS: one that ends so. */
static int ready(char **argv) {
    (void)argv;
    say("ran");
    return 0;
}

static int leave(char **argv) { return atoi(argv[0]); }

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        int arguments;
        int (*run)(char **argv);
    } jobs[] = {
        {"wait-open", 1, wait_open}, {"wait-connect", 1, wait_connect}, {"wait-opens", 2, wait_opens},
        {"serve", 1, serve},         {"ask", 1, ask},                   {"abstract", 0, abstract},
        {"thread-exec", 1, thread_exec}, {"vfork-exec", 1, vfork_exec}, {"spawn-exec", 1, spawn_exec},
        {"start", 1, start},         {"again", 2, again},               {"undumpable", 1, undumpable},
        {"start-as", 2, start_as},   {"crowd", 4, crowd},
        {"start-many", 3, start_many}, {"start-moved", 2, start_moved},
        {"mask", 1, mask},           {"ready", 0, ready},               {"exit", 1, leave},
    };
    /* By another name it is a program of many names: it says which. */
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
    if (!strncmp(name, "applet-", 7)) {
        say(name);
        return 0;
    }
    for (size_t i = 0; argc > 1 && i < sizeof jobs / sizeof *jobs; i++)
        if (!strcmp(jobs[i].name, argv[1]) && argc - 2 >= jobs[i].arguments)
            return jobs[i].run(argv + 2);
    fprintf(stderr, "no job of that name: %s\n", argc > 1 ? argv[1] : "");
    return 2;
}
