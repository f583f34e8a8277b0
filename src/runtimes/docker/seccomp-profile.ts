/**
 * The seccomp profile of the container, as data: an allow-list.
 *
 * It holds for the warden and everything below it. The engine's own default will not do: it lets io_uring through, and
 * keeps from a warden without capabilities what it needs to judge its children. Commands run under a second, stricter
 * filter that the warden installs and that answers with the errno a program expects; this one is the wall behind it.
 *
 * @module
 */

interface Argument {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: "SCMP_CMP_EQ" | "SCMP_CMP_NE" | "SCMP_CMP_MASKED_EQ";
}

interface Rule {
  readonly names: readonly string[];
  readonly action: "SCMP_ACT_ALLOW" | "SCMP_ACT_ERRNO";
  readonly errnoRet?: number;
  readonly args?: readonly Argument[];
}

/** A profile as Docker reads it. */
export interface SeccompProfile {
  readonly defaultAction: "SCMP_ACT_ERRNO";
  readonly defaultErrnoRet: number;
  readonly archMap: readonly { readonly architecture: string; readonly subArchitectures: readonly string[] }[];
  readonly syscalls: readonly Rule[];
}

const EPERM = 1;
const ENOSYS = 38;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const NAMESPACE_FLAGS = 0x7e020000;

/** A working directory and umask of its own: what the warden's workers take before they make files for a program. */
const CLONE_FS = 0x200;

/** AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK. */
const ADDRESS_FAMILIES = [1, 2, 10, 16];

/** Linux on the native machine as it is, and without what `uname26` and the read-only flags of other systems change. */
const PERSONALITIES = [0, 0x8, 0x20000, 0x20008, 0xffffffff];

/** What programs use. Names that this engine's libseccomp does not know are passed over by it. */
const ORDINARY: readonly string[] = words(`
  access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64
  fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync flock fstat fstatfs fsync ftruncate
  futimesat getcwd getdents getdents64 ioctl lchown link linkat listmount lseek lstat mkdir mkdirat mknod mknodat
  name_to_handle_at newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read
  readahead readlink readlinkat readv rename renameat renameat2 rmdir sendfile splice stat statfs statmount statx symlink
  symlinkat sync sync_file_range syncfs tee truncate umask unlink unlinkat utime utimensat utimes vmsplice write writev
  fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat llistxattr lremovexattr
  lsetxattr removexattr removexattrat setxattr setxattrat
  inotify_add_watch inotify_init inotify_init1 inotify_rm_watch
  epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2
  poll ppoll pselect6 select signalfd signalfd4 timerfd_create timerfd_gettime timerfd_settime
  io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit
  brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap
  mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease
  remap_file_pages
  execve execveat exit exit_group fork vfork wait4 waitid
  capget capset getegid geteuid getgid getgroups getpgid getpgrp getpid getppid getpriority getresgid getresuid getsid
  gettid getuid setfsgid setfsuid setgid setgroups setpgid setpriority setregid setresgid setresuid setreuid setsid setuid
  getrlimit getrusage prlimit64 setrlimit ioprio_get ioprio_set
  kill pause restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
  rt_sigtimedwait rt_tgsigqueueinfo sigaltstack tgkill tkill pidfd_open pidfd_send_signal
  futex futex_requeue futex_wait futex_waitv futex_wake get_robust_list set_robust_list
  arch_prctl get_thread_area prctl rseq set_thread_area set_tid_address riscv_flush_icache
  getcpu sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
  sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield
  adjtimex alarm clock_adjtime clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer time
  timer_create timer_delete timer_getoverrun timer_gettime timer_settime times
  getrandom sysinfo uname
  accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg sendmmsg sendmsg sendto
  setsockopt shutdown socketpair
  mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop
  semtimedop shmat shmctl shmdt shmget
`);

/** What the warden judges and confines its children with. It takes all of these from them. */
const WARDEN: readonly string[] = words(`
  landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp
  pidfd_getfd process_vm_readv ptrace
`);

/** What programs try and expect to be told that they may not. The rest of what is not allowed does not exist. */
const FORBIDDEN: readonly string[] = words(`
  mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount mount_setattr open_tree open_by_handle_at
  setns
  init_module finit_module delete_module kexec_load kexec_file_load reboot
  bpf perf_event_open fanotify_init
  keyctl add_key request_key
  swapon swapoff quotactl quotactl_fd acct syslog
  settimeofday clock_settime sethostname setdomainname iopl ioperm vhangup
  kcmp process_vm_writev process_madvise
`);

/** The profile. */
export const SECCOMP_PROFILE: SeccompProfile = {
  defaultAction: "SCMP_ACT_ERRNO",
  defaultErrnoRet: ENOSYS,
  // Without sub-architectures: a call by another ABI (i386, x32, 32-bit ARM) kills.
  archMap: ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"].map((architecture) => ({ architecture, subArchitectures: [] })),
  syscalls: [
    { names: [...ORDINARY, ...WARDEN], action: "SCMP_ACT_ALLOW" },
    // valueTwo is the result that the masked flags must have: none of them.
    {
      names: ["clone"],
      action: "SCMP_ACT_ALLOW",
      args: [{ index: 0, value: NAMESPACE_FLAGS, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
    },
    // Its flags lie in memory, where no filter sees them. ENOSYS makes libc use clone.
    { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS },
    ...ADDRESS_FAMILIES.map((family) => allowWhere("socket", family)),
    ...PERSONALITIES.map((personality) => allowWhere("personality", personality)),
    allowWhere("unshare", CLONE_FS),
    {
      names: ["unshare"],
      action: "SCMP_ACT_ERRNO",
      errnoRet: EPERM,
      args: [{ index: 0, value: CLONE_FS, op: "SCMP_CMP_NE" }],
    },
    { names: FORBIDDEN, action: "SCMP_ACT_ERRNO", errnoRet: EPERM },
  ],
};

/** The profile as the option of a container. */
export const SECCOMP_OPTION: string = `seccomp=${JSON.stringify(SECCOMP_PROFILE)}`;

function allowWhere(name: string, value: number): Rule {
  return { names: [name], action: "SCMP_ACT_ALLOW", args: [{ index: 0, value, op: "SCMP_CMP_EQ" }] };
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
