/* Attacks on the kernel's wide doors: namespaces, mounts, keys, programs in the kernel, time, and calls that are new. */
#define _GNU_SOURCE
#include "attack.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/reboot.h>
#include <sched.h>
#include <signal.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/quota.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ATTACK(name, ...)                                                                                              \
    static long name(const char *path, const char *other) {                                                            \
        (void)path, (void)other;                                                                                       \
        __VA_ARGS__                                                                                                    \
    }

ATTACK(io_uring, struct io_uring_params parameters = {0}; return syscall(SYS_io_uring_setup, 1, &parameters);)
ATTACK(bpf, return reached(syscall(SYS_bpf, 0, NULL, 0), EINVAL);)
ATTACK(perf, return reached(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0), EFAULT);)
ATTACK(userfaultfd, return syscall(SYS_userfaultfd, 1);)
ATTACK(secret_memory, return syscall(447, 0);)
ATTACK(aio, unsigned long context = 0; return syscall(SYS_io_setup, 1, &context);)
ATTACK(clone3, return reached(syscall(SYS_clone3, NULL, 0), EINVAL);)
ATTACK(newer_call, return reached(syscall(463 /* setxattrat */, -1, NULL, 0, NULL, NULL, 0), EINVAL);)
ATTACK(statmount, return reached(syscall(457, NULL, NULL, 0, 0), EFAULT);)
ATTACK(lsm_list, return reached(syscall(461, NULL, NULL, 0), EFAULT);)

/* ---- namespaces and mounts ---- */

ATTACK(unshare_user, return unshare(CLONE_NEWUSER);)
ATTACK(unshare_net, return unshare(CLONE_NEWNET);)
ATTACK(unshare_mount, return unshare(CLONE_NEWNS);)
ATTACK(unshare_time, return unshare(0x80);)

ATTACK(clone_user, long child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
       if (child == 0) _exit(0);
       if (child > 0) waitpid((pid_t)child, NULL, 0);
       return child;)

ATTACK(clone_directory, long child = syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0);
       if (child == 0) _exit(0);
       if (child > 0) waitpid((pid_t)child, NULL, 0);
       return child;)

ATTACK(join, return setns(open("/proc/self/ns/net", O_RDONLY), 0);)
ATTACK(do_mount, return mount("none", "/tmp", "tmpfs", 0, NULL);)
ATTACK(remount, return mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL);)
ATTACK(do_umount, return reached(umount2("/nowhere", 0), ENOENT);)
ATTACK(new_filesystem, return syscall(SYS_fsopen, "tmpfs", 0);)
ATTACK(configure_filesystem, return reached(syscall(SYS_fsconfig, -1, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EINVAL);)
ATTACK(new_mount, return reached(syscall(SYS_fsmount, -1, 0, 0), EBADF);)
ATTACK(pick_mount, return reached(syscall(SYS_fspick, -1, "", FSPICK_EMPTY_PATH), EBADF);)
ATTACK(open_mount, return syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | AT_RECURSIVE);)
ATTACK(place_mount, return reached(syscall(SYS_move_mount, -1, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH), EBADF);)
ATTACK(change_mount, struct mount_attr attributes = {0};
       return syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &attributes, sizeof attributes);)
ATTACK(do_pivot, return reached(syscall(SYS_pivot_root, "/nowhere", "/nowhere"), ENOENT);)
ATTACK(do_chroot, return chroot("/tmp");)
ATTACK(by_handle, return reached(syscall(SYS_open_by_handle_at, -1, NULL, 0), EFAULT);)

/* ---- keys ---- */

/* Of some file systems: no file of procfs knows them. */
static long control(unsigned long request) {
    return reached(ioctl(open("/proc/self/status", O_RDONLY | O_CLOEXEC), request, NULL), ENOTTY);
}

ATTACK(make_subvolume, return control(0x5000940e);)
ATTACK(make_subvolume_2, return control(0x50009418);)
ATTACK(remove_subvolume, return control(0x5000940f);)
ATTACK(remove_subvolume_2, return control(0x5000943f);)
ATTACK(set_subvolume_flags, return control(0x4008941a);)
ATTACK(set_generation, return control(0x40087602);)
ATTACK(set_generation_ext4, return control(0x40086604);)
ATTACK(set_encryption, return control(0x800c6613);)

ATTACK(keyctl, return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1);)
ATTACK(add_key, return syscall(SYS_add_key, "user", "attack", "x", 1L, KEY_SPEC_PROCESS_KEYRING);)
ATTACK(request_key, return reached(syscall(SYS_request_key, "user", "attack", NULL, 0L), ENOKEY);)

/* ---- the system ---- */

ATTACK(fanotify, return fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY);)
ATTACK(hostname, return sethostname("attack", 6);)
ATTACK(domain, return setdomainname("attack", 6);)
/* A wrong magic number: whoever may reboot is told that it is wrong. */
ATTACK(restart, return reached(syscall(SYS_reboot, 0, 0, 0, NULL), EINVAL);)
ATTACK(kernel_log, return klogctl(10, NULL, 0);)
ATTACK(quota, return reached(syscall(SYS_quotactl, QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL), ENOSYS);)
ATTACK(quota_fd, return reached(syscall(SYS_quotactl_fd, -1, 0, 0, NULL), EBADF);)
ATTACK(clock_look, struct timex state = {0}; return adjtimex(&state);)
ATTACK(clock_look_at, struct timex state = {0}; return clock_adjtime(CLOCK_REALTIME, &state);)
ATTACK(set_clock, struct timespec now = {0}; return reached(syscall(SYS_clock_settime, 99, &now), EINVAL);)

#ifdef __x86_64__
ATTACK(ports, return syscall(SYS_iopl, 0);)
ATTACK(port, return syscall(SYS_ioperm, 0L, 1L, 0);)
ATTACK(segments, char table[64]; return syscall(SYS_modify_ldt, 0, table, sizeof table);)
ATTACK(sysfs, return syscall(SYS_sysfs, 3);)
ATTACK(ustat, return reached(syscall(SYS_ustat, 0, NULL), EINVAL);)
#endif

const struct attack kernel_attacks[] = {
    {"io_uring", io_uring},
    {"bpf", bpf},
    {"perf", perf},
    {"userfaultfd", userfaultfd},
    {"memfd_secret", secret_memory},
    {"io_setup", aio},
    {"clone3", clone3},
    {"newer-call", newer_call},
    {"statmount", statmount},
    {"lsm_list_modules", lsm_list},
    {"unshare-user", unshare_user},
    {"unshare-net", unshare_net},
    {"unshare-mount", unshare_mount},
    {"unshare-time", unshare_time},
    {"clone-user", clone_user},
    {"clone-directory", clone_directory},
    {"setns", join},
    {"mount", do_mount},
    {"remount", remount},
    {"umount", do_umount},
    {"fsopen", new_filesystem},
    {"fsconfig", configure_filesystem},
    {"fsmount", new_mount},
    {"fspick", pick_mount},
    {"open_tree", open_mount},
    {"move_mount", place_mount},
    {"mount_setattr", change_mount},
    {"pivot_root", do_pivot},
    {"chroot", do_chroot},
    {"open-by-handle", by_handle},
    {"subvolume", make_subvolume},
    {"subvolume-2", make_subvolume_2},
    {"remove-subvolume", remove_subvolume},
    {"remove-subvolume-2", remove_subvolume_2},
    {"subvolume-flags", set_subvolume_flags},
    {"generation", set_generation},
    {"generation-ext4", set_generation_ext4},
    {"encryption", set_encryption},
    {"keyctl", keyctl},
    {"add_key", add_key},
    {"request_key", request_key},
    {"fanotify", fanotify},
    {"sethostname", hostname},
    {"setdomainname", domain},
    {"reboot", restart},
    {"syslog", kernel_log},
    {"quotactl", quota},
    {"quotactl_fd", quota_fd},
    {"adjtimex", clock_look},
    {"clock_adjtime", clock_look_at},
    {"clock_settime", set_clock},
#ifdef __x86_64__
    {"iopl", ports},
    {"ioperm", port},
    {"modify_ldt", segments},
    {"sysfs", sysfs},
    {"ustat", ustat},
#endif
    {0},
};
