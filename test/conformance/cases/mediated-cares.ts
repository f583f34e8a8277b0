/**
 * What a program may not notice of its calls being made for it: errors, modes, flags and descriptors are as elsewhere.
 */
import { expect } from "vitest";
import type { Case } from "../case.ts";
import { shell } from "../help.ts";
import { BIN, call, type Job, makeFiles, mediate, sandboxWith } from "../mediation.ts";
import { outside } from "../programs.ts";

const EMULATED = { filesystem: { write: ["."], deny: ["**/.env"] } };

/** Calls that fail, each for a reason of its own: what is there is made by {@link makeFiles}. */
const FAILING: readonly (readonly [call: string, path: string, other?: string])[] = [
  ["openat-read", "missing"],
  ["openat-read", "file/below"],
  ["openat-read", "missing/below"],
  ["openat-write", "folder"],
  ["openat-truncate", "folder"],
  ["openat-create", "file"],
  ["openat-create", "folder"],
  ["openat-create", "missing/new"],
  ["openat-create-or-open", "folder"],
  ["openat-list", "file"],
  ["openat-list", "missing"],
  ["openat-nofollow", "loop"],
  ["openat-read", "loop"],
  ["openat2-no-symlinks", "link"],
  ["unnamed", "file"],
  ["truncate", "missing"],
  ["truncate", "folder"],
  ["unlinkat", "missing"],
  ["unlinkat", "folder"],
  ["unlinkat-folder", "file"],
  ["unlinkat-folder", "folder"],
  ["renameat2", "missing", "new"],
  ["renameat2", "file", "folder"],
  ["renameat2", "folder", "file"],
  ["renameat2", "folder", "folder/inside"],
  ["renameat2-noreplace", "file", "other"],
  ["renameat2-exchange", "file", "missing"],
  ["linkat", "file", "other"],
  ["linkat", "folder", "new"],
  ["linkat", "missing", "new"],
  ["symlinkat", "file"],
  ["mkdirat", "file"],
  ["mkdirat", "missing/new"],
  ["mknodat-fifo", "file"],
  ["fchmodat", "missing"],
  ["fchownat", "missing"],
  ["utimensat", "missing"],
  ["setxattr", "missing"],
  ["removexattr", "file"],
  ["execve", "missing"],
  ["execve", "file"],
  ["execve", "folder"],
  ["connect", "missing"],
  ["connect", "file"],
  ["bind", "file"],
  ["bind", "missing/new"],
  ["renameat2", "file", "new/"],
  ["renameat2", "file", "folder/"],
  ["renameat2", "file", "other/"],
  ["renameat2", "file/", "new"],
  ["linkat", "file", "new/"],
  ["linkat", "file", "folder/"],
  ["mknodat-file", "new/"],
  ["mknodat-fifo", "new/"],
  ["mknodat-fifo", "folder/"],
  ["symlinkat", "new/"],
  ["symlinkat", "link/"],
  ["mkdirat", "folder/"],
  ["mkdirat", "link/"],
  ["bind", "new/"],
  ["unlinkat", "file/"],
  ["unlinkat", "link/"],
  ["openat-create", "new/"],
  ["fchmod-path", "file"],
  ["fchown-path", "file"],
  ["utimensat-path", "file"],
  ["fsetxattr-path", "file"],
  ["fremovexattr-path", "file"],
  ["openat2-unknown", "file"],
  ["openat2-unknown-far", "file"],
  ["openat2-too-large", "file"],
  ["unnamed-for-good", "folder", "never"],
];

/** Calls that do not fail, though a careless supervisor would let them. */
const PASSING: readonly (readonly [call: string, path: string, other?: string])[] = [
  ["openat2-larger", "file"],
  ["openat2-page", "file"],
  ["renameat2-exchange", "file", "other"],
  ["renameat2-exchange", "file", "folder/"],
  ["renameat2-exchange", "file/", "folder"],
  ["mkdirat", "made/"],
  ["renameat2", "made/", "moved/"],
  ["unlinkat-folder", "moved/"],
];

export const mediatedCareCases: readonly Case[] = [
  {
    name: "a call that fails by itself fails with the same error as without a sandbox",
    async run(scene) {
      const files = { file: "file\n", other: "other\n", "folder/full": "full\n" };
      const { sandbox } = await sandboxWith(scene, files, EMULATED);
      const bare = scene.folder();
      makeFiles(bare, files);
      const links = "ln -s loop loop && ln -s file link";
      expect((await shell(sandbox, links)).exitCode).toBe(0);
      outside(["sh", "-c", `cd "$1" && ${links} && echo made`, "sh", bare]);
      const calls = [...FAILING, ...PASSING];
      const jobs = calls.map(([name, path, other]): Job => ({ call: name, way: "cwd", path, other }));
      const inside = await mediate(
        sandbox,
        jobs.map((job) => ({
          ...job,
          way: "absolute",
          path: `/workspace/${job.path}`,
          other: at("/workspace", job.other),
        })),
      );
      const expected = jobs.map(({ call: name, path, other }) =>
        outside([scene.programs.mediate, name, "absolute", `${bare}/${path}`, at(bare, other) ?? ""]),
      );
      const told = (answers: readonly string[]) => calls.map((each, index) => `${each.join(" ")}: ${answers[index]}`);
      expect(told(inside)).toEqual(told(expected));
      expect(expected.map((answer) => answer.startsWith("OK"))).toEqual([
        ...FAILING.map(() => false),
        ...PASSING.map(() => true),
      ]);
    },
  },
  {
    name: "files and folders are made under the caller's umask, by its user",
    async run(scene) {
      const { sandbox } = await sandboxWith(scene, {}, EMULATED);
      const made = await sandbox.exec([`${BIN}/guest`, "mask", "/workspace/masked"]);
      expect(made.stdout).toBe("27\n");
      const { stdout } = await shell(sandbox, "ls -ld masked masked.d | cut -c1-10; test -O masked && echo own");
      expect(stdout).toBe("-rw-r-----\ndrwxr-x---\nown\n");
    },
  },
  {
    name: "a program that makes itself undumpable can still open files",
    async run(scene) {
      const { sandbox } = await sandboxWith(scene, { "plain.txt": "plain\n", ".env": "SECRET\n" }, EMULATED, {
        mode: "mount",
      });
      const read = async (path: string) => (await sandbox.exec([`${BIN}/guest`, "undumpable", path])).stdout;
      expect(await read("/workspace/plain.txt")).toBe("plain\n");
      expect(await read("/workspace/.env")).toBe("EACCES\n");
    },
  },
  {
    name: "descriptors are what the flags say: appending, without waiting, closed at the next program, the lowest number",
    async run(scene) {
      const { sandbox } = await sandboxWith(scene, { log: "one\n", in: "input\n" }, EMULATED);
      const script = `
echo two >> log; echo three >> log; cat log
exec 7< in; cat <&7; exec 7<&-
exec 3> out; echo to three >&3; readlink /proc/self/fd/3; exec 3>&-; cat out
: > log; wc -c < log`;
      const { stdout } = await shell(sandbox, script);
      expect(stdout.replaceAll(" ", "")).toBe("one\ntwo\nthree\ninput\n/workspace/out\ntothree\n0\n");
    },
  },
  {
    name: "where a policy is finer than the kernel's, the sandbox says that it is emulated; by default it is trapped, or floor",
    async run(scene) {
      const files = { "plain.txt": "plain\n" };
      const plain = { filesystem: { write: ["."] } };
      const floor = await sandboxWith(scene, files, { ...plain, audit: { files: "off" } });
      const trapped = await sandboxWith(scene, files, plain);
      const emulated = await sandboxWith(scene, files, EMULATED);
      const live = await sandboxWith(scene, files, plain, { mode: "mount" });
      const modes = [floor, trapped, emulated, live].map(({ sandbox }) => sandbox.enforcement.mode);
      expect(modes).toEqual(["floor", "trapped", "emulated", "emulated"]);
      for (const { sandbox } of [floor, trapped, emulated, live]) {
        expect(await call(sandbox, "openat-read", "/workspace/plain.txt")).toBe("OK:plain_");
        expect(await call(sandbox, "openat-read", "/etc/shadow")).toMatch(/^(EACCES|ENOENT)$/);
      }
    },
  },
];

function at(folder: string, name: string | undefined): string | undefined {
  return name === undefined ? undefined : `${folder}/${name}`;
}
