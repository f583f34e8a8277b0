#define _GNU_SOURCE
#include "place_scene.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

char *text;
bool live = true;

bool notice_is_live(const struct notice *notice) {
    (void)notice;
    return live;
}

void check(bool fine, const char *what) {
    if (fine)
        return;
    fprintf(stderr, "drive_place: %s: %s\n", what, strerror(errno));
    _exit(2);
}

/* ---- the sandbox ---- */

static void write_file(const char *path, const char *words) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    check(fd >= 0 && write(fd, words, strlen(words)) == (ssize_t)strlen(words), path);
    close(fd);
}

static void isolate(void) {
    uid_t uid = getuid();
    gid_t gid = getgid();
    char map[64];
    check(unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | (uid ? CLONE_NEWUSER : 0)) == 0, "unshare");
    if (uid) {
        write_file("/proc/self/setgroups", "deny");
        snprintf(map, sizeof map, "%u %u 1", uid, uid);
        write_file("/proc/self/uid_map", map);
        snprintf(map, sizeof map, "%u %u 1", gid, gid);
        write_file("/proc/self/gid_map", map);
    }
    pid_t inside = fork();
    check(inside >= 0, "fork");
    if (inside == 0)
        return;
    int status;
    check(waitpid(inside, &status, 0) == inside, "wait");
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* Procfs in places where a sandbox may have it. */
static void mount_all(void) {
    check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private mounts");
    check(mount("/proc", "foreign", NULL, MS_BIND | MS_REC, NULL) == 0, "foreign procfs");
    check(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0, "procfs");
    check(mount("/proc", "again", NULL, MS_BIND, NULL) == 0, "the same procfs again");
    check(mount("proc", "second", "proc", 0, NULL) == 0, "a second procfs");
    check(mount("/proc/1", "part", NULL, MS_BIND, NULL) == 0, "a part of procfs");
    check(mount("/proc/1/environ", "part-file", NULL, MS_BIND, NULL) == 0, "a file of procfs");
}

void enter_sandbox(const char *scratch) {
    check(chdir(scratch) == 0, scratch);
    text = mmap(NULL, TEXT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    isolate();
    mount_all();
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {0};
    check(syscall(SYS_capset, &header, none) == 0, "capabilities");
    /* Nothing stays behind when the test is over. */
    check(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "prctl");
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0, "prctl");
}

/* ---- the commands ---- */

static void hold(int fd, int number) {
    check(fd >= 0 && dup3(fd, number, O_CLOEXEC) == number, "a descriptor");
    close(fd);
}

static void open_all(void) {
    int ends[2];
    check(pipe(ends) == 0, "pipe");
    hold(ends[0], FD_PIPE);
    hold(open("directory", O_RDONLY), FD_DIRECTORY);
    hold(open("file", O_RDONLY), FD_FILE);
    hold(open("unlinked", O_RDWR | O_CREAT, 0600), FD_UNLINKED);
    check(unlink("unlinked") == 0, "unlink");
    hold(memfd_create("in memory", 0), FD_MEMORY);
    hold(socket(AF_UNIX, SOCK_STREAM, 0), FD_SOCKET);
    hold(open("/proc/self/status", O_RDONLY), FD_STATUS);
    hold(open("to-file", O_PATH | O_NOFOLLOW), FD_LINK);
    hold(open("/proc/self", O_RDONLY), FD_SELF);
    hold(open("/proc/1", O_PATH), FD_WARDEN);
    check(mkdir("gone", 0700) == 0, "mkdir");
    hold(open("gone", O_RDONLY), FD_GONE);
    check(rmdir("gone") == 0, "rmdir");
    hold(open("hard", O_RDWR | O_CREAT, 0600), FD_HARD);
    unlink("hard-too");
    check(link("hard", "hard-too") == 0 && unlink("hard") == 0, "link");
    hold(open("foreign", O_PATH), FD_FOREIGN);
}

static void fill_text(void) {
    memset(text, 'x', TEXT_BYTES);
    strcpy(text, "hello");
    strcpy(text + 2 * 4096 - 4, "end");
    check(munmap(text + 2 * 4096, 4096) == 0, "munmap");
}

static pid_t *told;

/* With a working directory and descriptors of its own. */
static void *run_thread(void *argument) {
    check(unshare(CLONE_FS | CLONE_FILES) == 0 && chdir("directory") == 0, "a thread of its own");
    umask(0111);
    hold(open("below", O_RDONLY), FD_FILE);
    *told = gettid();
    for (;;)
        pause();
    return argument;
}

static void *run_idle(void *argument) {
    *(volatile pid_t *)argument = gettid();
    for (;;)
        pause();
    return argument;
}

static void start_thread(void *(*run)(void *), pid_t *tid) {
    pthread_t thread;
    check(pthread_create(&thread, NULL, run, tid) == 0, "a thread");
    while (*(volatile pid_t *)tid == 0)
        sched_yield();
}

static void wait_forever(void) {
    for (;;)
        pause();
}

static void run_caller(struct pids *pids) {
    prctl(PR_SET_DUMPABLE, 1);
    umask(0027);
    fill_text();
    open_all();
    check(chdir("work") == 0, "work");
    if (fork() == 0) {
        pids->kin = getpid();
        wait_forever();
    }
    check(chdir("..") == 0, "..");
    told = &pids->thread;
    start_thread(run_thread, &pids->thread);
    check(chdir("work") == 0, "work");
    pids->caller = getpid();
    wait_forever();
}

static pid_t start_command(void (*run)(struct pids *), struct pids *pids) {
    pid_t shepherd = fork();
    if (shepherd == 0) {
        if (fork() == 0)
            run(pids);
        wait(NULL);
        _exit(1);
    }
    return shepherd;
}

static void run_stranger(struct pids *pids) {
    prctl(PR_SET_DUMPABLE, 1);
    pids->stranger = getpid();
    wait_forever();
}

struct pids start_commands(const char *scratch) {
    struct pids *pids = mmap(NULL, sizeof *pids, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(chdir(scratch) == 0, scratch);
    pids->shepherd = start_command(run_caller, pids);
    pids->stranger_shepherd = start_command(run_stranger, pids);
    volatile struct pids *seen = pids;
    while (seen->caller == 0 || seen->kin == 0 || seen->stranger == 0)
        check(waitpid(-1, NULL, WNOHANG) == 0, "a command ended");
    start_thread(run_idle, &pids->warden_thread);
    check(chdir("/") == 0, "/");
    return *pids;
}
