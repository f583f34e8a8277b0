import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SECCOMP_OPTION, SECCOMP_PROFILE } from "../../../src/runtimes/docker/seccomp-profile.ts";
import { filesystemOf, hasEngine, run, shellRuntime } from "./support.ts";

describe("the seccomp profile", () => {
  const names = SECCOMP_PROFILE.syscalls.flatMap((rule) => rule.names.map((name) => ({ name, rule })));
  const allowed = new Set(
    names.filter(({ rule }) => rule.action === "SCMP_ACT_ALLOW" && !rule.args).map(({ name }) => name),
  );

  test("denies what it does not name", () => {
    expect(SECCOMP_PROFILE).toMatchObject({ defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 38 });
    expect(JSON.parse(SECCOMP_OPTION.replace(/^seccomp=/, ""))).toEqual(SECCOMP_PROFILE);
  });

  test("knows no other ABI", () => {
    expect(SECCOMP_PROFILE.archMap.every(({ subArchitectures }) => subArchitectures.length === 0)).toBe(true);
  });

  test("names each call once, and none both ways", () => {
    const unconditional = names.filter(({ rule }) => !rule.args).map(({ name }) => name);
    expect(unconditional.filter((name, index) => unconditional.indexOf(name) !== index)).toEqual([]);
    const conditional = new Set(names.filter(({ rule }) => rule.args).map(({ name }) => name));
    expect(unconditional.filter((name) => conditional.has(name))).toEqual([]);
  });

  test("has what the warden needs, and nothing that gets around it", () => {
    for (const name of ["seccomp", "landlock_restrict_self", "pidfd_getfd", "process_vm_readv", "ptrace", "openat2"]) {
      expect(allowed).toContain(name);
    }
    for (const name of [
      "io_uring_setup",
      "io_uring_enter",
      "userfaultfd",
      "bpf",
      "mount",
      "unshare",
      "setns",
      "clone",
      "clone3",
    ]) {
      expect(allowed).not.toContain(name);
    }
    for (const name of [
      "keyctl",
      "perf_event_open",
      "open_by_handle_at",
      "socket",
      "personality",
      "process_vm_writev",
      "kcmp",
    ]) {
      expect(allowed).not.toContain(name);
    }
  });
});

const SIGSEGV = 11;
const SIGSYS = 31;

/** Prints the errno of each call, 0 for success. */
const PROBE = `
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
static void tell(const char *name, long result) { printf("%s %d\\n", name, result < 0 ? errno : 0); fflush(stdout); }
int main(void) {
  char a[8] = "x", b[8];
  struct iovec local = {b, 8}, remote = {a, 8};
  tell("io_uring_setup", syscall(425, 1, 0));
  tell("userfaultfd", syscall(SYS_userfaultfd, 0));
  tell("clone3", syscall(435, 0, 0));
  tell("unheard_of", syscall(1999));
  tell("clone_newuser", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
  tell("unshare", unshare(CLONE_NEWUSER));
  tell("mount", syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, 0));
  tell("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
  tell("bpf", syscall(SYS_bpf, 0, 0, 0));
  tell("perf", syscall(SYS_perf_event_open, 0, 0, 0, 0, 0));
  tell("socket_vsock", socket(40, SOCK_STREAM, 0));
  tell("socket_unix", socket(AF_UNIX, SOCK_STREAM, 0));
  tell("socket_inet", socket(AF_INET, SOCK_STREAM, 0));
  tell("personality_get", personality(0xffffffff));
  tell("personality_norandom", personality(0x40000));
  tell("landlock", syscall(444, 0, 0, 1));
  tell("process_vm_readv", process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
  tell("process_vm_writev", process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
  tell("pidfd_getfd", syscall(438, -1, 0, 0));
  tell("ptrace", syscall(SYS_ptrace, 0x4206, -1, 0, 0));
  pid_t pid = fork();
  if (pid == 0) {
#ifdef __x86_64__
    __asm__ volatile("int $0x80" : : "a"(20) : "memory");
#endif
    _exit(0);
  }
  int status;
  waitpid(pid, &status, 0);
  printf("foreign_abi %d\\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  return 0;
}`;

/** How a call of another ABI ends: killed by the filter, or earlier by a kernel that has no such ABI. */
function foreignAbi(folder: string): number {
  if (process.arch !== "x64") return 0;
  const outside = /foreign_abi (\d+)/.exec(execFileSync(join(folder, "probe"), { encoding: "utf8" }))?.[1];
  return outside === String(SIGSEGV) ? SIGSEGV : SIGSYS;
}

describe.skipIf(!hasEngine)("the seccomp profile in force", () => {
  test("answers as written", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cofferdam-probe-"));
    try {
      writeFileSync(join(folder, "probe.c"), PROBE);
      execFileSync("cc", ["-static", "-o", join(folder, "probe"), join(folder, "probe.c")]);
      const { uid, gid } = statSync(folder);
      const started = await shellRuntime().start({
        workspace: { path: folder, mode: "copy", uid, gid },
        filesystem: filesystemOf({ read: ["."] }),
      });
      const output = await run(started, "/workspace/probe");
      const errnos = Object.fromEntries(
        output.split("\n").map((line) => [line.split(" ")[0], Number(line.split(" ")[1])]),
      );
      const none = errnos.unheard_of;
      console.info(`a call that the profile does not name: errno ${none}`);
      // An engine that does not know defaultErrnoRet answers EPERM instead.
      expect([1, 38]).toContain(errnos.io_uring_setup);
      expect(errnos).toEqual({
        io_uring_setup: errnos.io_uring_setup,
        userfaultfd: errnos.io_uring_setup,
        clone3: 38,
        unheard_of: 38,
        clone_newuser: errnos.io_uring_setup,
        unshare: 1,
        mount: 1,
        keyctl: 1,
        bpf: 1,
        perf: 1,
        socket_vsock: errnos.io_uring_setup,
        socket_unix: 0,
        socket_inet: 0,
        personality_get: 0,
        personality_norandom: errnos.io_uring_setup,
        landlock: 0,
        process_vm_readv: 0,
        process_vm_writev: 1,
        pidfd_getfd: 9,
        ptrace: 3,
        foreign_abi: foreignAbi(folder),
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
