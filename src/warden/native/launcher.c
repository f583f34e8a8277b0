#define _GNU_SOURCE
#include "launcher.h"
#include "confine.h"
#include "die.h"
#include "dns_stub.h"
#include "identity.h"
#include "launch_plan.h"
#include "root.h"
#include "volume.h"
#include "warden.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the outer half keeps the sandbox's root, for the host to look at, and the locks of volumes. Above everything that
 * it has open meanwhile. */
enum { ROOT_FD = 100, LOCKS_FD = 101 };

static void write_file(const char *path, const char *text, uint32_t stage) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        launch_fail(stage, path);
    close(fd);
}

static void write_process_file(pid_t pid, const char *name, const char *text, uint32_t stage) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    write_file(path, text, stage);
}

/* One user and one group, and never the host's root: kuid 0 owns /proc/sys. */
static void map_user(pid_t pid, const struct msg_namespace *names) {
    char map[64];
    errno = EPERM;
    if (names->host_uid == 0 || names->host_gid == 0 || names->uid == 0 || names->gid == 0)
        launch_fail(STAGE_USER, "uid 0");
    write_process_file(pid, "setgroups", "deny", STAGE_USER);
    snprintf(map, sizeof map, "%u %u 1\n", names->uid, names->host_uid);
    write_process_file(pid, "uid_map", map, STAGE_USER);
    snprintf(map, sizeof map, "%u %u 1\n", names->gid, names->host_gid);
    write_process_file(pid, "gid_map", map, STAGE_USER);
}

static void join_cgroups(pid_t pid, char *const *cgroups) {
    char path[4200], text[16];
    snprintf(text, sizeof text, "%d", pid);
    for (; *cgroups; cgroups++) {
        snprintf(path, sizeof path, "%s/cgroup.procs", *cgroups);
        write_file(path, text, STAGE_CGROUP);
    }
}

/* ---- two processes that wait for each other ---- */

static void signal_peer(int fd) {
    if (write(fd, "!", 1) != 1)
        _exit(1);
}

/* The last word of the inner half: the sandbox's root goes with it. */
static void hand_over(int fd, int root) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof root)];
    } control = {0};
    struct iovec word = {"!", 1};
    struct msghdr message = {.msg_iov = &word, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    control.header = (struct cmsghdr){CMSG_LEN(sizeof root), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), &root, sizeof root);
    if (root < 0 || sendmsg(fd, &message, 0) != 1)
        _exit(1);
}

/* A word, and the descriptor that came with it: -1 if none did. */
static bool take_over(int fd, int *root) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof *root)];
    } control = {0};
    char byte;
    struct iovec word = {&byte, 1};
    struct msghdr message = {.msg_iov = &word, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *root = -1;
    if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) != 1)
        return false;
    if (message.msg_controllen >= CMSG_LEN(sizeof *root) && control.header.cmsg_type == SCM_RIGHTS)
        memcpy(root, CMSG_DATA(&control.header), sizeof *root);
    return true;
}

static void await_peer(int fd) {
    char byte;
    ssize_t count;
    while ((count = read(fd, &byte, 1)) < 0 && errno == EINTR)
        ;
    if (count != 1)
        _exit(1);
}

/* ---- inside ---- */

static void bring_loopback_up(void) {
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request))
        launch_fail(STAGE_NAMESPACE, "loopback");
    request.ifr_flags |= IFF_UP;
    if (ioctl(fd, SIOCSIFFLAGS, &request))
        launch_fail(STAGE_NAMESPACE, "loopback");
    close(fd);
}

/* Root made the namespaces, so they stay root's: the sandbox has no power over them even in its own user namespace. */
static void leave_root(int peer, const struct msg_namespace *names) {
    if (setgroups(0, NULL))
        launch_fail(STAGE_USER, "setgroups");
    if (unshare(CLONE_NEWUSER))
        launch_fail(STAGE_NAMESPACE, "user");
    signal_peer(peer);
    await_peer(peer);
    if (setresgid(names->gid, names->gid, names->gid) || setresuid(names->uid, names->uid, names->uid))
        launch_fail(STAGE_USER, "setresuid");
}

__attribute__((noreturn)) static void be_inside(struct launch_plan *plan, int peer) {
    bool rootful = plan->names.flags & NAMESPACE_FLAG_ROOTFUL;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    await_peer(peer);
    /* Only now: the files of an undumpable process in /proc belong to root, and the outer half writes the maps there. */
    prctl(PR_SET_DUMPABLE, 0);
    if (sethostname(plan->hostname, strlen(plan->hostname)))
        launch_fail(STAGE_NAMESPACE, "hostname");
    bring_loopback_up();
    if (!dns_stub_bind())
        launch_fail(STAGE_NAMESPACE, "port 53 of the loopback");
    root_build(plan);
    if (rootful)
        leave_root(peer, &plan->names);
    if (!drop_capabilities() || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        launch_fail(STAGE_CAPABILITIES, "drop");
    /* Cleared by the change of user, so set after it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    hand_over(peer, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    await_peer(peer);
    dns_stub_keep();
    syscall(SYS_close_range, 3, DNS_STUB_FD - 1, 0);
    syscall(SYS_close_range, DNS_STUB_FD + DNS_STUB_SOCKETS, ~0U, 0);
    warden_run();
}

/* ---- outside ---- */

/* Waits for a word of the inner half. False: it ended, or the host did and has nobody to build for any more. */
static bool hear_inside(int peer, pid_t inside, int *root) {
    struct pollfd sources[2] = {{peer, POLLIN, 0}, {0, 0, 0}};
    for (;;) {
        if (poll(sources, 2, -1) < 0)
            continue;
        if (sources[0].revents)
            return take_over(peer, root);
        if (sources[1].revents) {
            kill(inside, SIGKILL);
            return false;
        }
    }
}

static int await_end(pid_t inside) {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, SIGTERM);
    for (;;) {
        int status;
        pid_t pid = waitpid(inside, &status, WNOHANG);
        if (pid == inside)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        int number = sigwaitinfo(&wanted, NULL);
        if (number == SIGTERM)
            kill(inside, SIGKILL);
    }
}

/* Stays until the sandbox has ended, and takes away what it leaves: the host may have been killed meanwhile. */
__attribute__((noreturn)) static void be_outside(struct launch_plan *plan, pid_t inside, int peer, int locks) {
    bool rootful = plan->names.flags & NAMESPACE_FLAG_ROOTFUL;
    if (!rootful)
        map_user(inside, &plan->names);
    join_cgroups(inside, plan->cgroups);
    int root = -1;
    signal_peer(peer);
    if (rootful && hear_inside(peer, inside, &root)) {
        map_user(inside, &plan->names);
        signal_peer(peer);
    }
    bool stands = hear_inside(peer, inside, &root);
    /* The host finds it at /proc/PID/fd, so this process stays dumpable: there is nothing else that it could show. */
    if (root >= 0)
        dup2(root, ROOT_FD);
    if (stands)
        signal_peer(peer);
    syscall(SYS_close_range, 3, ROOT_FD - 1, 0);
    syscall(SYS_close_range, LOCKS_FD + locks, ~0U, 0);
    close(0);
    close(1);
    int code = await_end(inside);
    close(ROOT_FD);
    launch_plan_release(plan);
    _exit(code);
}

void launcher_run(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    struct launch_plan plan = {0};
    if (!launch_plan_read(&plan)) {
        launch_plan_release(&plan);
        die("the host gave up before the sandbox was built");
    }
    launch_plan_own(&plan);
    bool rootful = plan.names.flags & NAMESPACE_FLAG_ROOTFUL;
    int locks = volume_locks(&plan, LOCKS_FD);
    for (size_t i = 0; i < plan.count; i++)
        if (plan.steps[i].flags & MOUNT_FLAG_OWNER)
            plan.steps[i].identity = identity_of_owner(plan.steps[i].source, plan.names.host_uid, plan.names.host_gid);
    int peers[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, peers))
        launch_fail(STAGE_NAMESPACE, "socketpair");
    unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
    if (!rootful)
        flags |= CLONE_NEWUSER;
    long inside = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
    if (inside < 0)
        launch_fail(STAGE_NAMESPACE, "clone");
    if (inside == 0) {
        launch_plan_own(NULL);
        close(peers[0]);
        be_inside(&plan, peers[1]);
    }
    close(peers[1]);
    be_outside(&plan, (pid_t)inside, peers[0], locks);
}
