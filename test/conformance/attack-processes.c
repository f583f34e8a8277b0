/* Attacks on other processes, and by changing what one's own process is. */
#define _GNU_SOURCE
#include "attack.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/kcmp.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define ATTACK(name) static long name(const char *path, const char *other)
#define UNUSED (void)path, (void)other

/* Makes the attack on a child: on one's own child everything is allowed that is allowed at all. */
static long on_child(long (*run)(pid_t child)) {
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    long result = run(child);
    int error = errno;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    errno = error;
    return result;
}

static char secret = 'x', copy;
static struct iovec here = {&copy, 1}, there = {&secret, 1};

static long seize(pid_t child) { return ptrace(PTRACE_SEIZE, child, 0, 0); }
static long read_memory(pid_t child) { return syscall(SYS_process_vm_readv, child, &here, 1L, &there, 1L, 0L); }
static long write_memory(pid_t child) { return syscall(SYS_process_vm_writev, child, &here, 1L, &there, 1L, 0L); }
static long compare(pid_t child) { return syscall(SYS_kcmp, getpid(), child, KCMP_VM, 0L, 0L); }
static long move_memory(pid_t child) { return syscall(SYS_move_pages, child, 0L, 0L, 0L, 0L, 0L); }
static long migrate_memory(pid_t child) { return reached(syscall(SYS_migrate_pages, child, 0L, 0L, 0L), EINVAL); }

static long take_descriptor(pid_t child) {
    long pidfd = syscall(SYS_pidfd_open, child, 0);
    return pidfd < 0 ? -1 : syscall(SYS_pidfd_getfd, pidfd, 0, 0);
}

static long limit_files(pid_t child) {
    struct rlimit few = {64, 64};
    return prlimit(child, RLIMIT_NOFILE, &few, NULL);
}

static long be_nice(pid_t child) { return setpriority(PRIO_PROCESS, (id_t)child, 19); }
static long be_idle(pid_t child) { return syscall(SYS_ioprio_set, 1, child, 3 << 13); }

static long pin(pid_t child) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    return sched_setaffinity(child, sizeof cpus, &cpus);
}

static long schedule(pid_t child) {
    struct sched_param parameter = {0};
    return sched_setscheduler(child, SCHED_BATCH, &parameter);
}

static long set_schedule(pid_t child) {
    /* struct sched_attr: the C library and the kernel's headers define it twice. */
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {.size = sizeof attributes, .policy = SCHED_BATCH};
    return syscall(SYS_sched_setattr, child, &attributes, 0);
}

static long set_parameter(pid_t child) {
    struct sched_param parameter = {0};
    return sched_setparam(child, &parameter);
}

static long stop_it(pid_t child) { return kill(child, SIGSTOP); }

ATTACK(trace) { UNUSED; return on_child(seize); }
ATTACK(memory_read) { UNUSED; return on_child(read_memory); }
ATTACK(memory_write) { UNUSED; return on_child(write_memory); }
ATTACK(kcmp_child) { UNUSED; return on_child(compare); }
ATTACK(getfd) { UNUSED; return on_child(take_descriptor); }
ATTACK(advise) { UNUSED; return reached(syscall(SYS_process_madvise, -1, &here, 1L, 20L /* MADV_COLD */, 0L), EBADF); }
ATTACK(pages_move) { UNUSED; return on_child(move_memory); }
ATTACK(pages_migrate) { UNUSED; return on_child(migrate_memory); }
ATTACK(prlimit_child) { UNUSED; return on_child(limit_files); }
ATTACK(priority_child) { UNUSED; return on_child(be_nice); }
ATTACK(ioprio_child) { UNUSED; return on_child(be_idle); }
ATTACK(affinity_child) { UNUSED; return on_child(pin); }
ATTACK(scheduler_child) { UNUSED; return on_child(schedule); }
ATTACK(sched_attr_child) { UNUSED; return on_child(set_schedule); }
ATTACK(sched_param_child) { UNUSED; return on_child(set_parameter); }
ATTACK(mrelease) { UNUSED; return reached(syscall(448, -1, 0), EBADF); }

ATTACK(priority_all) { UNUSED; return setpriority(PRIO_USER, 0, 19); }
ATTACK(ioprio_all) { UNUSED; return syscall(SYS_ioprio_set, 3, 0, 3 << 13); }
ATTACK(stop_child) { UNUSED; return on_child(stop_it); }

static int own_file(void) {
    char name[] = "/tmp/attack-XXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    return fd;
}

ATTACK(lease) { UNUSED; return fcntl(own_file(), F_SETLEASE, F_WRLCK); }
ATTACK(io_signal_stop) { UNUSED; return fcntl(own_file(), F_SETSIG, SIGSTOP); }

static long traceme(void) { return ptrace(PTRACE_TRACEME, 0, 0, 0); }
ATTACK(trace_me) { UNUSED; return in_child(traceme); }

ATTACK(kill_warden) { UNUSED; return kill(1, SIGKILL); }
ATTACK(stop_warden) { UNUSED; return kill(1, SIGSTOP); }

/* ---- changing one's own process ---- */

static struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
static struct sock_fprog filter = {1, allow};

ATTACK(listener) {
    UNUSED;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
}

ATTACK(own_filter) {
    UNUSED;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
}

ATTACK(own_landlock) {
    UNUSED;
    struct landlock_ruleset_attr attributes = {.handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_SOCK};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    long ruleset = syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes.handled_access_fs, 0);
    return ruleset < 0 ? -1 : syscall(SYS_landlock_restrict_self, ruleset, 0);
}

ATTACK(no_randomization) { UNUSED; return personality(ADDR_NO_RANDOMIZE); }

/* 20 is getpid() of i386; a filter for x86-64 numbers would take it for writev(). */
ATTACK(i386) {
    UNUSED;
#ifdef __x86_64__
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
    return result > 0 ? 0 : (errno = ENOSYS, -1);
#else
    return errno = ENOSYS, -1;
#endif
}

ATTACK(x32) { UNUSED; return syscall(0x40000000 + 39); }

/* ---- terminals ---- */

static int own_terminal(void) {
    int outer, inner;
    setsid();
    return openpty(&outer, &inner, NULL, NULL, NULL) || ioctl(inner, TIOCSCTTY, 0) ? -1 : inner;
}

static long type_into(void) {
    char character = 'x';
    int fd = own_terminal();
    return fd < 0 ? -1 : ioctl(fd, TIOCSTI, &character);
}

static long change_discipline(void) {
    int discipline = 0, fd = own_terminal();
    return fd < 0 ? -1 : ioctl(fd, TIOCSETD, &discipline);
}

/* Pasting is for consoles only; a terminal of another kind does not know the call. */
static long paste(void) {
    char subcode = 3;
    int fd = own_terminal();
    return fd < 0 ? -1 : reached(ioctl(fd, TIOCLINUX, &subcode), ENOTTY);
}

ATTACK(tiocsti) { UNUSED; return in_child(type_into); }
ATTACK(tiocsetd) { UNUSED; return in_child(change_discipline); }
ATTACK(tioclinux) { UNUSED; return in_child(paste); }

const struct attack process_attacks[] = {
    {"ptrace", trace},
    {"ptrace-me", trace_me},
    {"process_vm_readv", memory_read},
    {"process_vm_writev", memory_write},
    {"kcmp", kcmp_child},
    {"pidfd_getfd", getfd},
    {"process_madvise", advise},
    {"process_mrelease", mrelease},
    {"move_pages", pages_move},
    {"migrate_pages", pages_migrate},
    {"prlimit-other", prlimit_child},
    {"setpriority-other", priority_child},
    {"ioprio-other", ioprio_child},
    {"affinity-other", affinity_child},
    {"scheduler-other", scheduler_child},
    {"sched_setattr-other", sched_attr_child},
    {"sched_setparam-other", sched_param_child},
    {"setpriority-all", priority_all},
    {"ioprio-all", ioprio_all},
    {"stop-other", stop_child},
    {"lease", lease},
    {"io-signal-stop", io_signal_stop},
    {"kill-warden", kill_warden},
    {"stop-warden", stop_warden},
    {"listener", listener},
    {"own-filter", own_filter},
    {"own-landlock", own_landlock},
    {"personality", no_randomization},
    {"i386", i386},
    {"x32", x32},
    {"tiocsti", tiocsti},
    {"tiocsetd", tiocsetd},
    {"tioclinux", tioclinux},
    {0},
};
