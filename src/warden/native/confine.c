#define _GNU_SOURCE
#include "confine.h"
#include "landlock.h"
#include "protocol.gen.h"
#include "seccomp_filter.h"
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool limit(__rlimit_resource_t resource, uint64_t value) {
    struct rlimit bound = {value, value};
    return setrlimit(resource, &bound) == 0;
}

static bool keep_to_cpus(uint32_t count) {
    cpu_set_t present, kept;
    if (sched_getaffinity(0, sizeof present, &present))
        return false;
    CPU_ZERO(&kept);
    for (int cpu = 0; cpu < CPU_SETSIZE && count > 0; cpu++)
        if (CPU_ISSET(cpu, &present)) {
            CPU_SET(cpu, &kept);
            count--;
        }
    return sched_setaffinity(0, sizeof kept, &kept) == 0;
}

static bool set_limits(const struct confinement *c) {
    /* A core file would carry memory out, and core_pattern runs a program of the host. */
    if (!limit(RLIMIT_CORE, 0))
        return false;
    if (c->data_bytes && !limit(RLIMIT_DATA, c->data_bytes))
        return false;
    if (c->processes && !limit(RLIMIT_NPROC, c->processes))
        return false;
    /* The warden raised its own; programs that use select() break with more than they expect. */
    if (setrlimit(RLIMIT_NOFILE, &c->descriptors))
        return false;
    return c->cpus == 0 || keep_to_cpus(c->cpus);
}

static bool read_capabilities(struct __user_cap_data_struct data[2]) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    return syscall(SYS_capget, &header, data) == 0;
}

static bool clear_capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0}};
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) && errno != EINVAL)
        return false;
    return syscall(SYS_capset, &header, none) == 0;
}

bool drop_capabilities(void) {
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0))
            return false;
    return clear_capabilities();
}

stage check_unprivileged(void) {
    struct __user_cap_data_struct held[2];
    if (!read_capabilities(held))
        return STAGE_CAPABILITIES;
    errno = EPERM;
    for (int word = 0; word < 2; word++)
        if (held[word].effective || held[word].permitted || held[word].inheritable)
            return STAGE_CAPABILITIES;
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1)
            return STAGE_CAPABILITIES;
    uid_t real, effective, saved;
    if (getresuid(&real, &effective, &saved) || real == 0 || effective == 0 || saved == 0)
        return STAGE_USER;
    return 0;
}

stage confine(const struct confinement *c, int *listener) {
    if (!set_limits(c))
        return STAGE_LIMITS;
    /* The warden's bounding set is empty, as its self-test showed, and a fork's is the same. */
    if (!clear_capabilities())
        return STAGE_CAPABILITIES;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return STAGE_CAPABILITIES;
    if (!landlock_enter(c->ruleset))
        return STAGE_LANDLOCK;
    /* Last, so that the steps before need no place in the filter. */
    struct seccomp_options options = {
        .unix_sockets = c->unix_sockets,
        .sealed_memory_only = c->sealed_memory_only,
        .traps = c->traps,
    };
    if (!seccomp_enter(&options, listener))
        return STAGE_SECCOMP;
    return 0;
}
