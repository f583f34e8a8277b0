/**
 * Ways out of what is granted.
 */
import { expect } from "vitest";
import type { Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { attack, shell } from "../help.ts";

const CLOSED = ["EACCES", "EPERM", "ENOENT", "ENOTDIR", "ELOOP"];

/** Expects that none of these can be read, and that nothing of them is printed. */
async function expectClosed(sandbox: Sandbox, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    expect([path, CLOSED]).toEqual([path, expect.arrayContaining([await attack(sandbox, "open-read", path)])]);
    const { stdout } = await sandbox.exec(["cat", path]);
    expect([path, stdout]).toEqual([path, ""]);
  }
}

export const floorEscapeCases: readonly Case[] = [
  {
    name: "what is granted for reading can be read, listed and executed",
    async run(scene) {
      const sandbox = await scene.shared();
      const { stdout } = await shell(
        sandbox,
        "cat readonly/file.txt readonly/folder/inner.txt; ls readonly; bin/tool arguments ran",
      );
      expect(stdout).toBe("read me\ninner\nempty\nfile.txt\nfolder\nnot-executable\nother.txt\nran\0");
    },
  },
  {
    name: "what is not granted cannot be read: by its name, by .., by a symlink, or through /proc",
    async run(scene) {
      await expectClosed(await scene.shared(), [
        "/workspace/secret/secret.txt",
        "/workspace/readonly/../secret/secret.txt",
        "/workspace/writable/to-secret",
        "/workspace/writable/to-shadow",
        "/proc/self/root/workspace/secret/secret.txt",
        "/proc/self/cwd/secret/secret.txt",
        "/proc/self/root/etc/shadow",
        "/proc/thread-self/root/etc/shadow",
        "/proc/1/root/workspace/secret/secret.txt",
        "/proc/1/cwd/workspace/secret/secret.txt",
        "/workspace/writable/to-root/etc/shadow",
        "/dev/fd/../root/etc/shadow",
        "/etc/shadow",
        "/etc/gshadow",
        "/etc/sudoers",
        "/root/.ssh/id_rsa",
        "/root/.bash_history",
      ]);
    },
  },
  {
    name: "a symlink or a hard link that the agent makes does not lead to more",
    async run(scene) {
      const sandbox = await scene.shared();
      const script = `
cd /tmp && rm -rf l && mkdir l && cd l
ln -s /workspace/secret s1; ln -s / s2; ln -s /proc/self/root s3; ln -s ../../../../etc s4
ln /workspace/secret/secret.txt h1; ln /etc/shadow h2
cat s1/secret.txt s2/workspace/secret/secret.txt s3/etc/shadow s4/shadow h1 h2; true`;
      expect((await shell(sandbox, script)).stdout).toBe("");
    },
  },
  {
    name: "a renamed folder keeps what it may, wherever it goes",
    async run(scene) {
      const sandbox = await scene.own();
      const script = `
cd writable && mkdir d && ln -s ../../secret/secret.txt d/l && ln -s ../readonly/file.txt d/r
mv d /tmp/d 2>/dev/null || cp -a d /tmp/d; cat /tmp/d/l; cd /tmp; mkdir -p readonly; echo planted > readonly/file.txt; cat d/r; true`;
      expect((await shell(sandbox, script)).stdout).not.toContain("TOP-SECRET");
    },
  },
  {
    name: "the warden's memory, variables, descriptors and folders are closed",
    async run(scene) {
      const sandbox = await scene.shared();
      const names = [
        "environ",
        "mem",
        "maps",
        "smaps",
        "auxv",
        "stack",
        "syscall",
        "personality",
        "pagemap",
        "io",
        "timers",
      ];
      await expectClosed(
        sandbox,
        names.map((name) => `/proc/1/${name}`),
      );
      await expectClosed(sandbox, [
        "/proc/1/fd/0",
        "/proc/1/fd/1",
        "/proc/1/fdinfo/0",
        "/proc/1/task/1/mem",
        "/proc/1/map_files",
      ]);
      const { stdout } = await shell(
        sandbox,
        "ls /proc/1/fd /proc/1/map_files /proc/1/root/ /proc/1/cwd/; readlink /proc/1/exe /proc/1/cwd /proc/1/root /proc/1/ns/net; true",
      );
      expect(stdout.replaceAll(/\/proc\/1\/[a-z_]+\/?:\n/g, "").trim()).toBe("");
      for (const name of ["mem", "oom_score_adj", "comm", "attr/current", "coredump_filter", "uid_map", "clear_refs"]) {
        expect([...CLOSED, "EROFS", "EINVAL"]).toContain(await attack(sandbox, "open-write", `/proc/1/${name}`));
      }
    },
  },
  {
    name: "a shepherd's memory and descriptors are closed to the command that it looks after",
    async run(scene) {
      const sandbox = await scene.shared();
      const script = 'for f in environ mem maps fd/3 fd/4; do cat "/proc/$PPID/$f"; done; ls /proc/$PPID/fd; true';
      expect((await shell(sandbox, script)).stdout).toBe("");
    },
  },
  {
    name: "a command's memory and variables are closed to another command",
    async run(scene) {
      const sandbox = await scene.shared();
      const command = await sandbox.spawn(["sh", "-c", "echo ready; read -r x"], {
        stdin: "pipe",
        env: { TOKEN: "hidden" },
      });
      for await (const _ of command) break;
      const script =
        'cat "/proc/$1/environ" "/proc/$1/mem" "/proc/$1/maps"; readlink "/proc/$1/fd/0" "/proc/$1/cwd"; true';
      expect((await shell(sandbox, script, String(command.pid))).stdout).toBe("");
      await command.kill();
    },
  },
  {
    name: "a command sees the processes of the sandbox, and none of the host",
    async run(scene) {
      const sandbox = await scene.shared();
      const { stdout } = await shell(sandbox, "cat /proc/[0-9]*/stat; true");
      const processes = stdout
        .trim()
        .split("\n")
        .map((line) => /^(\d+) \((.*)\) \S \d+/.exec(line));
      expect(processes[0]?.[1]).toBe("1");
      expect(processes.length).toBeLessThan(12);
      expect(
        processes.map((each) => each?.[2]).filter((name) => /node|vitest|dockerd|systemd|containerd/.test(name ?? "")),
      ).toEqual([]);
    },
  },
  {
    name: "the kernel's own doors in /proc and /sys are closed or absent",
    async run(scene) {
      const sandbox = await scene.shared();
      await expectClosed(sandbox, [
        "/proc/kcore",
        "/dev/mem",
        "/dev/kmsg",
        "/dev/port",
        "/dev/vda",
        "/dev/sda",
        "/dev/fuse",
        "/dev/kvm",
      ]);
      for (const path of [
        "/proc/sysrq-trigger",
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/vm/drop_caches",
        "/proc/sys/net/ipv4/ip_forward",
      ]) {
        expect([...CLOSED, "EROFS"]).toContain(await attack(sandbox, "open-write", path));
      }
      const { stdout } = await shell(
        sandbox,
        "ls -d /sys/fs/cgroup/* /sys/kernel/debug/* /sys/firmware/*; find /sys /proc/sys -name release_agent; true",
      );
      expect(stdout).toBe("");
    },
  },
  {
    name: "nothing below /proc but one's own can be written",
    async run(scene) {
      const sandbox = await scene.shared();
      const script = `
for f in /proc/sys/kernel/hostname /proc/sys/kernel/randomize_va_space /proc/sys/fs/file-max /proc/sys/kernel/pid_max \\
  /proc/irq/default_smp_affinity /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; do
  (echo 1 > "$f") 2>/dev/null && echo "$f"
done; true`;
      expect((await shell(sandbox, script)).stdout).toBe("");
    },
  },
];
