/**
 * Read means read: each way to change a file, tried where it may only be read, and where it may be written.
 */
import { expect } from "vitest";
import type { Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { attack, shell } from "../help.ts";

/** A change, and what it is made to: `@` is the folder. */
interface Change {
  readonly attack: string;
  readonly what: string;
  readonly paths: readonly string[];
}

const CHANGES: readonly Change[] = [
  { attack: "open-write", what: "opened for writing", paths: ["@/file.txt"] },
  { attack: "open-append", what: "opened for appending", paths: ["@/file.txt"] },
  { attack: "open-truncate", what: "emptied by opening it", paths: ["@/file.txt"] },
  { attack: "old-create", what: "emptied by creat()", paths: ["@/file.txt"] },
  { attack: "openat2-write", what: "opened for writing by openat2()", paths: ["@/file.txt"] },
  { attack: "reopen-write", what: "opened again for writing through /proc/self/fd", paths: ["@/file.txt"] },
  { attack: "map-write", what: "mapped for writing", paths: ["@/file.txt"] },
  { attack: "truncate", what: "emptied by truncate()", paths: ["@/file.txt"] },
  { attack: "chmod", what: "given another mode", paths: ["@/file.txt"] },
  { attack: "fchmod", what: "given another mode through a descriptor", paths: ["@/file.txt"] },
  { attack: "fchmodat", what: "given another mode by fchmodat()", paths: ["@/file.txt"] },
  { attack: "chmod-path-fd", what: "given another mode through an O_PATH descriptor", paths: ["@/file.txt"] },
  { attack: "chmod", what: "given another mode, a folder", paths: ["@/folder"] },
  { attack: "chown", what: "given to oneself", paths: ["@/file.txt"] },
  { attack: "lchown", what: "given to oneself by lchown()", paths: ["@/file.txt"] },
  { attack: "utime", what: "given other times", paths: ["@/file.txt"] },
  { attack: "futime", what: "given other times through a descriptor", paths: ["@/file.txt"] },
  { attack: "utime", what: "given other times, a folder", paths: ["@/folder"] },
  { attack: "setxattr", what: "given an attribute", paths: ["@/file.txt"] },
  { attack: "fsetxattr", what: "given an attribute through a descriptor", paths: ["@/file.txt"] },
  { attack: "removexattr", what: "stripped of an attribute", paths: ["@/file.txt"] },
  { attack: "link", what: "given another name", paths: ["@/file.txt", "@/linked"] },
  { attack: "rename", what: "renamed", paths: ["@/other.txt", "@/renamed"] },
  { attack: "rename", what: "replaced", paths: ["@/file.txt", "@/other.txt"] },
  { attack: "exchange", what: "exchanged with another", paths: ["@/file.txt", "@/other.txt"] },
  { attack: "unlink", what: "removed", paths: ["@/file.txt"] },
  { attack: "rmdir", what: "removed, a folder", paths: ["@/empty"] },
  { attack: "create", what: "made", paths: ["@/made"] },
  { attack: "create-unnamed", what: "made without a name", paths: ["@"] },
  { attack: "mkdir", what: "made, a folder", paths: ["@/made-folder"] },
  { attack: "mkfifo", what: "made, a FIFO", paths: ["@/made-fifo"] },
  { attack: "symlink", what: "made, a symlink", paths: ["@/made-link"] },
  { attack: "bind-unix", what: "made, a socket", paths: ["@/made-socket"] },
];

const REFUSALS = ["EACCES", "EPERM", "EROFS"];

/** Fresh files to try it on. */
function prepare(sandbox: Sandbox, folder: string): Promise<unknown> {
  const script =
    'rm -rf "$1" && mkdir -p "$1/folder" "$1/empty" && echo one > "$1/file.txt" && echo two > "$1/other.txt"';
  return shell(sandbox, script, folder);
}

/** Every name, mode, owner, size, time and content. */
async function picture(sandbox: Sandbox): Promise<string> {
  const script = 'cd "$1" && ls -lanR --full-time . 2>/dev/null || ls -lanRe .; find . -type f -exec cat {} +';
  const { stdout, exitCode } = await shell(sandbox, script, "/workspace/readonly");
  expect(exitCode).toBe(0);
  return stdout;
}

export const floorWriteCases: readonly Case[] = [
  ...CHANGES.map(
    (change): Case => ({
      name: `what may only be read cannot be ${change.what}, and what may be written can`,
      async run(scene) {
        const sandbox = await scene.shared();
        const before = await picture(sandbox);
        const tryIn = (folder: string) =>
          attack(sandbox, change.attack, ...change.paths.map((path) => path.replace("@", folder)));
        expect(REFUSALS).toContain(await tryIn("/workspace/readonly"));
        expect(await picture(sandbox)).toBe(before);
        await prepare(sandbox, "/workspace/writable/changes");
        expect(await tryIn("/workspace/writable/changes")).toBe("done");
      },
    }),
  ),
  {
    name: "nothing moves out of what may only be read, nor into it",
    async run(scene) {
      const sandbox = await scene.shared();
      const before = await picture(sandbox);
      await prepare(sandbox, "/workspace/writable/moves");
      const [readonly, writable] = ["/workspace/readonly", "/workspace/writable/moves"];
      for (const [from, to] of [
        [`${readonly}/file.txt`, `${writable}/stolen`],
        [`${writable}/file.txt`, `${readonly}/placed`],
        [`${writable}/file.txt`, `${readonly}/file.txt`],
        [`${readonly}/folder`, `${writable}/stolen-folder`],
      ] as const) {
        for (const name of ["rename", "link"]) {
          expect([...REFUSALS, "EXDEV", "EEXIST"]).toContain(await attack(sandbox, name, from, to));
        }
      }
      expect(await picture(sandbox)).toBe(before);
      expect(await attack(sandbox, "rename", `${writable}/file.txt`, `${writable}/folder/moved`)).toBe("done");
    },
  },
  {
    name: "what a writable symlink points to keeps the rights of its own place",
    async run(scene) {
      const sandbox = await scene.shared();
      const before = await picture(sandbox);
      const link = "/workspace/writable/to-readonly";
      for (const name of ["open-write", "truncate", "chmod", "utime", "setxattr", "chown", "old-create"]) {
        expect(REFUSALS).toContain(await attack(sandbox, name, link));
      }
      expect(await attack(sandbox, "open-read", link)).toBe("done");
      expect(await picture(sandbox)).toBe(before);
    },
  },
  {
    name: "device nodes cannot be made anywhere",
    async run(scene) {
      const sandbox = await scene.shared();
      for (const folder of ["/workspace/writable", "/tmp", "/dev/shm", "/home/agent"]) {
        expect(REFUSALS).toContain(await attack(sandbox, "mknod", `${folder}/device`));
      }
    },
  },
  {
    name: "the system's own files and folders cannot be changed",
    async run(scene) {
      const sandbox = await scene.shared();
      const shellPath = (await shell(sandbox, "readlink -f /bin/sh")).stdout.trim();
      for (const path of [shellPath, "/etc/passwd", "/etc/resolv.conf", "/etc/hosts"]) {
        for (const name of ["open-write", "truncate", "chmod", "utime", "unlink", "setxattr"]) {
          expect([...REFUSALS, "ETXTBSY", "EBUSY"]).toContain(await attack(sandbox, name, path));
        }
      }
      for (const folder of [
        "/",
        "/bin",
        "/etc",
        "/usr",
        "/usr/bin",
        "/dev",
        "/dev/pts",
        "/proc",
        "/proc/self",
        "/sys",
        "/home",
      ]) {
        for (const name of ["create", "mkdir", "symlink"]) {
          expect([...REFUSALS, "ENOENT"]).toContain(await attack(sandbox, name, `${folder}/made`));
        }
      }
    },
  },
  {
    name: "grants add up: a folder to write inside one to read",
    async run(scene) {
      const sandbox = await scene.own({}, { version: 1, filesystem: { read: ["."], write: ["./readonly/folder"] } });
      expect(REFUSALS).toContain(await attack(sandbox, "open-write", "readonly/file.txt"));
      expect(REFUSALS).toContain(await attack(sandbox, "rename", "readonly/folder", "readonly/elsewhere"));
      expect(REFUSALS).toContain(await attack(sandbox, "chmod", "readonly"));
      expect(await attack(sandbox, "open-write", "readonly/folder/inner.txt")).toBe("done");
      expect(await attack(sandbox, "create", "readonly/folder/new")).toBe("done");
      expect((await shell(sandbox, "cat secret/secret.txt")).stdout).toBe("TOP-SECRET\n");
    },
  },
  {
    name: "a single file can be granted",
    async run(scene) {
      const filesystem = { read: ["./bin", "./secret/secret.txt"], write: ["./readonly/file.txt"] };
      const sandbox = await scene.own({}, { version: 1, filesystem });
      expect((await shell(sandbox, "cat secret/secret.txt readonly/file.txt")).stdout).toBe("TOP-SECRET\nread me\n");
      expect((await shell(sandbox, "echo changed > readonly/file.txt && cat readonly/file.txt")).stdout).toBe(
        "changed\n",
      );
      for (const path of ["readonly/other.txt", "readonly/folder/inner.txt"]) {
        expect([...REFUSALS, "ENOENT"]).toContain(await attack(sandbox, "open-read", path));
      }
      for (const path of ["readonly/new", "secret/new"]) {
        expect(REFUSALS).toContain(await attack(sandbox, "create", path));
      }
    },
  },
  {
    name: "without a filesystem section the workspace is closed, and without the baseline everything is",
    async run(scene) {
      const sandbox = await scene.own({}, { version: 1 });
      expect((await shell(sandbox, "cat readonly/file.txt; ls /workspace; : > x")).stdout).not.toContain("read me");
      expect((await shell(sandbox, "echo x > /tmp/x && cat /tmp/x")).stdout).toBe("x\n");
      const bare = await scene.own({}, { version: 1, filesystem: { baseline: false, read: ["./bin"] } });
      expect(await attack(bare, "open-read", "/etc/passwd")).toMatch(/^(EACCES|ENOENT)$/);
      expect(await attack(bare, "create", "/tmp/x")).toMatch(/^(EACCES|ENOENT|EROFS)$/);
      expect(await attack(bare, "open-read", "/proc/self/status")).toMatch(/^(EACCES|ENOENT)$/);
      await expect(bare.exec(["sh", "-c", "true"])).rejects.toMatchObject({ code: "EXEC_FAILED" });
    },
  },
];
