/* The tables behind the system call filter: what is refused, with which error, and the numbers that headers may lack. */
#pragma once
#include <errno.h>
#include <linux/sched.h>
#include <sys/syscall.h>

/* Calls newer than the headers that the warden may be built with; one number on every architecture. */
enum {
    NR_MEMFD_SECRET = 447,
    NR_PROCESS_MRELEASE = 448,
    /* mseal. What comes after it, and was not looked at when this was written, does not exist in the sandbox. */
    NR_LAST_KNOWN = 462,
    NR_STATMOUNT = 457,
    NR_LSM_LIST_MODULES = 461,
    X32_BIT = 0x40000000,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    SOCKET_TYPE_MASK = 0xf,
    FASTOPEN_FLAG = 0x20000000,
    FASTOPEN_CONNECT = 30, /* TCP_FASTOPEN_CONNECT */
    TTY_INSERT_INPUT = 0x5412,
    TTY_SET_DISCIPLINE = 0x5423,
    CONSOLE_CONTROL = 0x541c,
    /* They change what a file is through a descriptor that only reads. */
    SET_FILE_FLAGS = 0x40086602,      /* FS_IOC_SETFLAGS */
    SET_FILE_FLAGS_32 = 0x40046602,   /* FS_IOC32_SETFLAGS */
    SET_FILE_ATTRIBUTES = 0x401c5820, /* FS_IOC_FSSETXATTR */
    ENABLE_VERITY = 0x40806685,       /* FS_IOC_ENABLE_VERITY */
    SNAPSHOT = 0x50009401,            /* BTRFS_IOC_SNAP_CREATE: files under names that no rule knows */
    SNAPSHOT_2 = 0x50009417,
    /* Folders made, removed or changed through a descriptor that only reads: no name that the warden or Landlock sees. */
    SUBVOLUME = 0x5000940e, /* BTRFS_IOC_SUBVOL_CREATE */
    SUBVOLUME_2 = 0x50009418,
    REMOVE_SUBVOLUME = 0x5000940f, /* BTRFS_IOC_SNAP_DESTROY */
    REMOVE_SUBVOLUME_2 = 0x5000943f,
    SET_SUBVOLUME_FLAGS = 0x4008941a, /* BTRFS_IOC_SUBVOL_SETFLAGS */
    SET_GENERATION = 0x40087602,      /* FS_IOC_SETVERSION */
    SET_GENERATION_32 = 0x40047602,
    SET_GENERATION_EXT4 = 0x40086604, /* EXT4_IOC_SETVERSION */
    SET_GENERATION_EXT4_32 = 0x40046604,
    SET_ENCRYPTION = 0x800c6613, /* FS_IOC_SET_ENCRYPTION_POLICY */
    SET_IO_SIGNAL = 10,  /* F_SETSIG */
    SET_LEASE = 1024,    /* F_SETLEASE */
    WHOLE_USER = 2,      /* PRIO_USER */
    WHOLE_USER_IO = 3,   /* IOPRIO_WHO_USER */
};

#define NAMESPACE_FLAGS                                                                                                \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |       \
     0x80 /* CLONE_NEWTIME */)

/* Refused whatever the arguments. A program sees what an unprivileged process without these calls would see. */
static const struct {
    int number, error;
} refused[] = {
    {SYS_ptrace, EPERM},
    {SYS_process_vm_readv, EPERM},
    {SYS_process_vm_writev, EPERM},
    {SYS_pidfd_getfd, EPERM},
    {SYS_process_madvise, EPERM},
    {NR_PROCESS_MRELEASE, EPERM},
    {SYS_kcmp, EPERM},
    {SYS_bpf, EPERM},
    {SYS_perf_event_open, EACCES},
    {SYS_userfaultfd, EPERM},
    {SYS_io_uring_setup, ENOSYS},
    {SYS_io_uring_enter, ENOSYS},
    {SYS_io_uring_register, ENOSYS},
    /* One sandbox could use up what the host has for all. */
    {SYS_io_setup, ENOSYS},
    /* Its flags lie behind a pointer, where no filter sees them; libc falls back to clone. */
    {SYS_clone3, ENOSYS},
    {NR_MEMFD_SECRET, ENOSYS},
    {SYS_mount, EPERM},
    {SYS_umount2, EPERM},
    {SYS_pivot_root, EPERM},
    {SYS_chroot, EPERM},
    {SYS_open_tree, EPERM},
    {SYS_move_mount, EPERM},
    {SYS_fsopen, EPERM},
    {SYS_fsconfig, EPERM},
    {SYS_fsmount, EPERM},
    {SYS_fspick, EPERM},
    {SYS_mount_setattr, EPERM},
    {SYS_setns, EPERM},
    {SYS_unshare, EPERM},
    {SYS_keyctl, EPERM},
    {SYS_add_key, EPERM},
    {SYS_request_key, EPERM},
    {SYS_open_by_handle_at, EPERM},
    {SYS_init_module, EPERM},
    {SYS_finit_module, EPERM},
    {SYS_delete_module, EPERM},
    {SYS_kexec_load, EPERM},
    {SYS_kexec_file_load, EPERM},
    {SYS_acct, EPERM},
    {SYS_swapon, EPERM},
    {SYS_swapoff, EPERM},
    {SYS_reboot, EPERM},
    {SYS_syslog, EPERM},
    {SYS_quotactl, EPERM},
    {SYS_quotactl_fd, EPERM},
    {SYS_settimeofday, EPERM},
    {SYS_clock_settime, EPERM},
    {SYS_adjtimex, EPERM},
    {SYS_clock_adjtime, EPERM},
    {SYS_personality, EPERM},
    {SYS_fanotify_init, EPERM},
    {SYS_vhangup, EPERM},
    {SYS_move_pages, EPERM},
    {SYS_migrate_pages, EPERM},
    {SYS_sethostname, EPERM},
    {SYS_setdomainname, EPERM},
#if defined(__x86_64__)
    {SYS_iopl, EPERM},
    {SYS_ioperm, EPERM},
    {SYS_modify_ldt, ENOSYS},
    {SYS_uselib, ENOSYS},
    {SYS_ustat, ENOSYS},
    {SYS_sysfs, ENOSYS},
    {SYS__sysctl, ENOSYS},
    {SYS_nfsservctl, ENOSYS},
    {SYS_create_module, ENOSYS},
    {SYS_get_kernel_syms, ENOSYS},
    {SYS_query_module, ENOSYS},
    {SYS_lookup_dcookie, EPERM},
#else
    {SYS_lookup_dcookie, EPERM},
    {SYS_nfsservctl, ENOSYS},
#endif
};

/* Calls that name a process: allowed on oneself (0), refused on others, among which is the warden. */
static const struct {
    int number, argument;
} self_only[] = {
    {SYS_sched_setaffinity, 0}, {SYS_sched_setscheduler, 0},
    {SYS_sched_setparam, 0},     {SYS_sched_setattr, 0},   {SYS_prlimit64, 0},
};
