/**
 * System calls that a sandbox has no use for: each is refused inside as a program expects, and works outside.
 */
import { expect } from "vitest";
import type { Case } from "../case.ts";
import { attack } from "../help.ts";
import { outside } from "../programs.ts";

/** By attack of attack.c: what it comes to inside. */
const INSIDE: Readonly<Record<string, string>> = {
  // Kernel surfaces.
  io_uring: "ENOSYS",
  bpf: "EPERM",
  perf: "EACCES",
  userfaultfd: "EPERM",
  memfd_secret: "ENOSYS",
  io_setup: "ENOSYS",
  clone3: "ENOSYS",
  "newer-call": "ENOSYS",
  statmount: "ENOSYS",
  lsm_list_modules: "ENOSYS",
  // Namespaces and mounts.
  "unshare-user": "EPERM",
  "unshare-net": "EPERM",
  "unshare-mount": "EPERM",
  "unshare-time": "EPERM",
  "clone-user": "EPERM",
  "clone-directory": "EPERM",
  setns: "EPERM",
  mount: "EPERM",
  remount: "EPERM",
  umount: "EPERM",
  fsopen: "EPERM",
  fsconfig: "EPERM",
  fsmount: "EPERM",
  fspick: "EPERM",
  open_tree: "EPERM",
  move_mount: "EPERM",
  mount_setattr: "EPERM",
  pivot_root: "EPERM",
  chroot: "EPERM",
  "open-by-handle": "EPERM",
  // Changes by a descriptor that only reads.
  subvolume: "EPERM",
  "subvolume-2": "EPERM",
  "remove-subvolume": "EPERM",
  "remove-subvolume-2": "EPERM",
  "subvolume-flags": "EPERM",
  generation: "EPERM",
  "generation-ext4": "EPERM",
  encryption: "EPERM",
  // Keys.
  keyctl: "EPERM",
  add_key: "EPERM",
  request_key: "EPERM",
  // The system.
  fanotify: "EPERM",
  sethostname: "EPERM",
  setdomainname: "EPERM",
  reboot: "EPERM",
  syslog: "EPERM",
  quotactl: "EPERM",
  quotactl_fd: "EPERM",
  adjtimex: "EPERM",
  clock_adjtime: "EPERM",
  clock_settime: "EPERM",
  iopl: "EPERM",
  ioperm: "EPERM",
  modify_ldt: "ENOSYS",
  sysfs: "ENOSYS",
  ustat: "ENOSYS",
  // Other processes.
  ptrace: "EPERM",
  "ptrace-me": "EPERM",
  process_vm_readv: "EPERM",
  process_vm_writev: "EPERM",
  kcmp: "EPERM",
  pidfd_getfd: "EPERM",
  process_madvise: "EPERM",
  process_mrelease: "EPERM",
  move_pages: "EPERM",
  migrate_pages: "EPERM",
  "prlimit-other": "EPERM",
  "setpriority-other": "EPERM",
  "ioprio-other": "EPERM",
  "affinity-other": "EPERM",
  "scheduler-other": "EPERM",
  "sched_setattr-other": "EPERM",
  "setpriority-all": "EPERM",
  "ioprio-all": "EPERM",
  // A stopped shepherd would hold up its host.
  "stop-other": "EPERM",
  "io-signal-stop": "EINVAL",
  // A lease holds up whoever opens the file.
  lease: "EINVAL",
  "sched_setparam-other": "EPERM",
  // One's own process.
  listener: "EBUSY",
  personality: "EPERM",
  i386: "SIGSYS",
  x32: "SIGSYS",
  // Terminals.
  tiocsti: "EPERM",
  tiocsetd: "EPERM",
  tioclinux: "EPERM",
  // Sockets.
  vsock: "EAFNOSUPPORT",
  alg: "EAFNOSUPPORT",
  packet: "EAFNOSUPPORT",
  bluetooth: "EAFNOSUPPORT",
  tipc: "EAFNOSUPPORT",
  xdp: "EAFNOSUPPORT",
  raw: "EPERM",
  raw6: "EPERM",
  ping: "EPROTONOSUPPORT",
  mptcp: "EPROTONOSUPPORT",
  sctp: "EPROTONOSUPPORT",
  udplite: "EPROTONOSUPPORT",
  "netlink-audit": "EPROTONOSUPPORT",
  "netlink-diagnosis": "EPROTONOSUPPORT",
  "netlink-filter": "EPROTONOSUPPORT",
  "netlink-generic": "EPROTONOSUPPORT",
  "netlink-events": "EPROTONOSUPPORT",
  fastopen: "EOPNOTSUPP",
  "fastopen-message": "EOPNOTSUPP",
  "fastopen-messages": "EOPNOTSUPP",
};

/** What programs do need, and can do inside as well as outside. */
const ALLOWED = ["tcp", "tcp-named", "udp", "unix", "netlink-route", "own-filter", "own-landlock"];

/** Attacks that some kernels refuse by themselves, with what such a kernel says: then only the inside can be shown. */
const LACKING: Readonly<Record<string, { readonly says: string; readonly inside?: string; readonly why: string }>> = {
  alg: { says: "EAFNOSUPPORT", why: "the kernel has no AF_ALG" },
  bluetooth: { says: "EAFNOSUPPORT", why: "the kernel has no Bluetooth" },
  tipc: { says: "EAFNOSUPPORT", why: "the kernel has no TIPC" },
  xdp: { says: "EAFNOSUPPORT", why: "the kernel has no AF_XDP" },
  vsock: { says: "EAFNOSUPPORT", why: "the kernel has no AF_VSOCK" },
  sctp: { says: "EPROTONOSUPPORT", why: "the kernel has no SCTP" },
  mptcp: { says: "EPROTONOSUPPORT", why: "the kernel has no MPTCP" },
  "netlink-audit": { says: "EPROTONOSUPPORT", why: "the kernel has no audit" },
  "netlink-diagnosis": { says: "EPROTONOSUPPORT", why: "the kernel has no socket diagnosis" },
  "netlink-filter": { says: "EPROTONOSUPPORT", why: "the kernel has no netfilter" },
  x32: { says: "ENOSYS", why: "the kernel has no x32" },
  i386: { says: "SIGSEGV", inside: "SIGSEGV", why: "the processor or what virtualizes it has no such entry" },
  iopl: { says: "ENOSYS", why: "the kernel was built without I/O permissions" },
  ioperm: { says: "ENOSYS", why: "the kernel was built without I/O permissions" },
  syslog: { says: "EPERM", why: "kernel.dmesg_restrict is set" },
  perf: { says: "EACCES", why: "kernel.perf_event_paranoid forbids it" },
  bpf: { says: "EPERM", why: "kernel.unprivileged_bpf_disabled is set" },
  io_uring: { says: "EPERM", why: "kernel.io_uring_disabled is set" },
  tiocsti: { says: "EIO", why: "dev.tty.legacy_tiocsti is off" },
  ustat: { says: "ENOSYS", why: "the kernel was built without it" },
  sysfs: { says: "ENOSYS", why: "the kernel was built without it" },
  modify_ldt: { says: "ENOSYS", why: "the kernel was built without it" },
  memfd_secret: { says: "ENOSYS", why: "the kernel was built without it, or started with secretmem.enable=0" },
  "newer-call": { says: "ENOSYS", why: "the kernel is older than it" },
  statmount: { says: "ENOSYS", why: "the kernel is older than it" },
  lsm_list_modules: { says: "ENOSYS", why: "the kernel is older than it" },
};

/** Only x86-64 has these. */
const ONLY_X64 = ["i386", "x32", "iopl", "ioperm", "modify_ldt", "sysfs", "ustat"];

function elsewhere(name: string): string | undefined {
  return ONLY_X64.includes(name) && process.arch !== "x64" ? "only x86-64 has it" : undefined;
}

export const systemCallCases: readonly Case[] = [
  ...Object.entries(INSIDE).map(
    ([name, refusal]): Case => ({
      name: `the attack ${name} is met with ${refusal}, and works outside`,
      notIn: () => elsewhere(name),
      async run(scene) {
        const control = outside([scene.programs.attack, name]);
        const lacking = control === LACKING[name]?.says ? LACKING[name] : undefined;
        expect(await attack(await scene.shared(), name)).toBe(lacking?.inside ?? refusal);
        if (lacking === undefined) expect(control).toBe("done");
      },
    }),
  ),
  ...ALLOWED.map(
    (name): Case => ({
      name: `${name} is allowed, as outside`,
      async run(scene) {
        expect(await attack(await scene.shared(), name)).toBe("done");
        expect(outside([scene.programs.attack, name])).toBe("done");
      },
    }),
  ),
  {
    name: "the warden cannot be killed or stopped from inside",
    async run(scene) {
      const sandbox = await scene.shared();
      // What the filter lets through, the kernel keeps from the first process of a pid namespace.
      for (const name of ["kill-warden", "stop-warden"])
        expect(["done", "EPERM"]).toContain(await attack(sandbox, name));
      for (const signal of ["TERM", "INT", "HUP", "QUIT", "SEGV", "USR1", "CHLD", "CONT", "ALRM", "PIPE"]) {
        await sandbox.exec(["sh", "-c", `kill -${signal} 1`]);
      }
      expect((await sandbox.exec(["echo", "alive"])).stdout).toBe("alive\n");
    },
  },
  {
    name: "a refused call in one command is refused in what it starts as well",
    async run(scene) {
      const sandbox = await scene.shared();
      const { stdout } = await sandbox.exec(["sh", "-c", "setsid sh -c 'bin/attack io_uring; bin/attack mount' | cat"]);
      expect(stdout).toBe("ENOSYS\nEPERM\n");
    },
  },
];
