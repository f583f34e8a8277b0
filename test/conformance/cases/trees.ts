/**
 * `files.upload` and `files.download`: whole trees, whatever is in them.
 */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { chmod, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { definePlugin, deny, type Sandbox, type SkippedEntry, type TreeEntry } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { patterned, refused, shell } from "../help.ts";
import type { Scene } from "../scene.ts";

const STRANGE = Buffer.concat([Buffer.from("line\nbreak '$(x)\t\u001b[31m"), Buffer.from([0xff, 0xfe])]);

/** A folder of the host that is nobody's yet. */
async function target(scene: Scene, name = "tree"): Promise<string> {
  return join(await mkdtemp(join(scene.temporary, "target-")), name);
}

/** Everything in a folder of the host: kind, mode, content or target, by its path. */
function snapshot(folder: string): Record<string, string> {
  const seen: Record<string, string> = {};
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    const path = join(folder, name);
    const stats = lstatSync(path);
    const mode = (stats.mode & 0o7777).toString(8);
    if (stats.isSymbolicLink()) seen[name] = `-> ${readlinkSync(path)}`;
    else seen[name] = stats.isDirectory() ? `${mode}/` : `${mode} ${readFileSync(path, "latin1")}`;
  }
  return seen;
}

const ENTRIES: readonly TreeEntry[] = [
  { path: "bin", kind: "directory", mode: 0o750 },
  { path: "bin/run.sh", content: "#!/bin/sh\necho ran\n", mode: 0o6755 },
  { path: "empty", kind: "directory" },
  { path: "deep/er/est.txt", content: "deep" },
  { path: "link", kind: "symlink", target: "../../etc/passwd" },
  { path: "locked", kind: "directory", mode: 0o500 },
  { path: "locked/inside", content: "kept", mode: 0o400, mtimeMs: 1_000_000_000_000 },
];

const EXPECTED = {
  bin: "750/",
  "bin/run.sh": "755 #!/bin/sh\necho ran\n",
  deep: "755/",
  "deep/er": "755/",
  "deep/er/est.txt": "644 deep",
  empty: "755/",
  link: "-> ../../etc/passwd",
  locked: "500/",
  "locked/inside": "400 kept",
};

export const treeCases: readonly Case[] = [
  {
    name: "a tree of entries goes in, runs there, and comes out again: modes without set-id bits, links as links, times",
    async run(scene) {
      const sandbox = await scene.shared();
      const summary = await sandbox.files.upload(ENTRIES, "writable/one/two");
      expect(summary).toEqual({ files: 3, directories: 3, symlinks: 1, bytes: 27, skipped: 0 });
      expect((await sandbox.exec(["/workspace/writable/one/two/bin/run.sh"])).stdout).toBe("ran\n");
      const folder = await target(scene);
      expect(await sandbox.files.download("writable/one/two", folder)).toMatchObject({
        files: 3,
        symlinks: 1,
        skipped: 0,
      });
      // Only root could remove what is in it otherwise.
      scene.defer(() => chmod(join(folder, "locked"), 0o700));
      expect(snapshot(folder)).toEqual(EXPECTED);
      expect(lstatSync(join(folder, "locked/inside")).mtimeMs).toBe(1_000_000_000_000);
      const again = await target(scene);
      await sandbox.files.upload(folder, "writable/copied");
      await sandbox.files.download("writable/copied", again);
      scene.defer(() => chmod(join(again, "locked"), 0o700));
      expect(snapshot(again)).toEqual(EXPECTED);
    },
  },
  {
    name: "a tar archive goes in and comes out, as tar(1) writes and reads it",
    async run(scene) {
      const sandbox = await scene.shared();
      const folder = scene.furnished();
      const archive = execFileSync("tar", ["-C", folder, "--exclude=bin", "-cf", "-", "."], { maxBuffer: 1 << 26 });
      const summary = await sandbox.files.upload(new Blob([archive]).stream(), "writable/tarred");
      expect(summary.files).toBe(6);
      expect(await sandbox.files.readText("writable/tarred/readonly/folder/inner.txt")).toBe("inner\n");
      const tar = Buffer.from(await new Response(sandbox.files.downloadTar("writable/tarred")).arrayBuffer());
      const unpacked = await target(scene);
      mkdirSync(unpacked);
      execFileSync("tar", ["-C", unpacked, "-xf", "-"], { input: tar });
      expect(readFileSync(join(unpacked, "readonly/folder/inner.txt"), "utf8")).toBe("inner\n");
      expect(readlinkSync(join(unpacked, "writable/to-shadow"))).toBe("/etc/shadow");
      await refused(
        sandbox.files.upload(new Blob([archive.subarray(0, 2000)]).stream(), "writable/torn"),
        "ARGUMENT_INVALID",
      );
    },
  },
  {
    name: "trees of large files and of strange names come through byte for byte",
    async run(scene) {
      const sandbox = await scene.shared();
      const bytes = patterned(5_000_000);
      const entries = [
        { path: STRANGE, content: "strange" },
        { path: "large", content: new Blob([bytes]).stream() },
        { path: Buffer.concat([STRANGE, Buffer.from("2/"), STRANGE]), content: "" },
      ];
      await sandbox.files.upload(entries, "writable/strange");
      expect(Buffer.from(await sandbox.files.read("writable/strange/large")).equals(bytes)).toBe(true);
      const folder = await target(scene);
      await sandbox.files.download("writable/strange", folder);
      expect(readFileSync(join(folder, "large")).equals(bytes)).toBe(true);
      const names = readdirSync(folder, { encoding: "buffer" }).map((name) => name.toString("hex"));
      expect(names).toContain(STRANGE.toString("hex"));
    },
  },
  {
    name: "an upload obeys the agent's policy, in what it makes and in what it replaces",
    async run(scene) {
      const sandbox = await scene.shared();
      const files = [{ path: "a", content: "x" }];
      const error = await refused(sandbox.files.upload(files, "readonly"), "FILE_DENIED");
      expect(error.details).toMatchObject({ operation: "upload", path: "/workspace/readonly/a" });
      await refused(sandbox.files.upload(files, "/etc"), "FILE_DENIED");
      const denial = sandbox.decisions().at(-1);
      expect(denial).toMatchObject({ operation: "files.upload", verdict: "deny" });
      expect(await sandbox.files.exists("readonly/a")).toBe(false);
    },
  },
  {
    name: "a download passes over what a rule or a hook keeps from the agent, and says so",
    async run(scene) {
      const guard = definePlugin(() => ({
        name: "guard",
        hooks: { filesystem: { access: { paths: ["**/*.pem"], handler: () => deny("keys stay") } } },
      }));
      const policy = { version: 1, filesystem: { write: ["."], deny: ["**/.env"] } } as const;
      const sandbox = await scene.create(policy, { plugins: [guard()] });
      await shell(
        sandbox,
        "mkdir -p sub/deeper; echo ok > sub/plain; echo ok > top; mkfifo sub/fifo; mkdir sub/locked; chmod 0 sub/locked",
      );
      await refused(sandbox.files.upload([{ path: ".env", content: "x" }], "sub"), "FILE_DENIED");
      await refused(sandbox.files.upload([{ path: "a.pem", content: "x" }], "sub"), "FILE_DENIED");
      const folder = await target(scene);
      const skipped: SkippedEntry[] = [];
      const summary = await sandbox.files.download(".", folder, { onSkip: (entry) => skipped.push(entry) });
      expect(skipped.sort((a, b) => a.path.localeCompare(b.path))).toEqual([
        { path: "sub/fifo", errno: "EINVAL" },
        { path: "sub/locked", errno: "EACCES" },
      ]);
      expect(summary.skipped).toBe(2);
      expect(readFileSync(join(folder, "sub/plain"), "utf8")).toBe("ok\n");
    },
  },
  {
    name: "a denied file inside of a granted folder is not downloaded, whatever the host has put there",
    async run(scene) {
      const workspace = scene.folder();
      for (const name of [".env", "key.pem", "plain"])
        writeFileSync(join(workspace, name), `${name}\n`, { mode: 0o644 });
      const guard = definePlugin(() => ({
        name: "guard",
        hooks: { filesystem: { access: { paths: ["**/*.pem"], handler: () => deny("keys stay") } } },
      }));
      const policy = { version: 1, filesystem: { read: ["."], deny: ["**/.env"] } } as const;
      const sandbox = await scene.create(policy, { workspace, plugins: [guard()] });
      const folder = await target(scene);
      const skipped: SkippedEntry[] = [];
      await sandbox.files.download(".", folder, { onSkip: (entry) => skipped.push(entry) });
      expect(readdirSync(folder)).toEqual(["plain"]);
      expect(skipped.map(({ errno }) => errno)).toEqual(["EACCES", "EACCES"]);
    },
  },
  {
    name: "an upload follows no link that the agent has planted, and writes through no second name",
    async run(scene) {
      const sandbox = await scene.shared();
      await shell(
        sandbox,
        "cd writable; mkdir elsewhere victim; echo safe > elsewhere/file; ln -s elsewhere victim/folder; ln -s ../elsewhere/file victim/link; ln elsewhere/file victim/hard; ln -s elsewhere top",
      );
      const error = await refused(
        sandbox.files.upload([{ path: "folder/file", content: "through" }], "writable/victim"),
        "FILE_FAILED",
      );
      expect(error.details.path).toBe("/workspace/writable/victim/folder/file");
      await refused(sandbox.files.upload([{ path: "file", content: "through" }], "writable/top"), "FILE_FAILED");
      await sandbox.files.upload(
        [
          { path: "link", content: "new" },
          { path: "hard", content: "new" },
        ],
        "writable/victim",
      );
      expect(await sandbox.files.readText("writable/elsewhere/file")).toBe("safe\n");
      expect((await sandbox.files.stat("writable/victim/link", { followSymlinks: false })).kind).toBe("file");
      const stays = await refused(
        sandbox.files.upload([{ path: "hard" }], "writable/victim", { exclusive: true }),
        "FILE_FAILED",
      );
      expect(stays.details.errno).toBe("EEXIST");
      await refused(sandbox.files.upload([{ path: "victim" }], "writable"), "FILE_FAILED");
    },
  },
  {
    name: "an upload refuses paths that lead elsewhere, kinds that it cannot make, and more than it is told",
    async run(scene) {
      const { files } = await scene.shared();
      for (const path of ["../up", "/etc/x", "a/../../b", "a//b", "a/./b", "", "..", "a\0b"]) {
        await refused(files.upload([{ path, content: "x" }], "writable/bad"), "ARGUMENT_INVALID");
      }
      const fifo = await target(scene, "archived");
      mkdirSync(fifo);
      execFileSync("mkfifo", [join(fifo, "pipe")]);
      const archive = execFileSync("tar", ["-C", fifo, "-cf", "-", "."]);
      expect((await files.upload(fifo, "writable/partly")).skipped).toBe(1);
      await refused(files.upload(new Blob([archive]).stream(), "writable/bad"), "ARGUMENT_INVALID");
      const large = [{ path: "large", content: new Uint8Array(2_000_000) }];
      expect(
        (await refused(files.upload(large, "writable/bad", { maxBytes: 1_999_999 }), "FILE_FAILED")).details.errno,
      ).toBe("EFBIG");
      const many = Array.from({ length: 11 }, (_, index) => ({ path: `many/${index}` }));
      await refused(files.upload(many, "writable/bad", { maxEntries: 10 }), "FILE_FAILED");
      await refused(files.upload(join(fifo, "missing"), "writable/bad"), "FILE_FAILED");
      await refused(files.upload(5 as never, "writable/bad"), "ARGUMENT_INVALID");
    },
  },
  {
    name: "a download is bounded: a sparse file of 10 GB, and more entries than it is told, are errors",
    async run(scene) {
      const sandbox = await scene.shared();
      await shell(
        sandbox,
        "mkdir writable/sparse && truncate -s 10G writable/sparse/huge || dd if=/dev/null of=writable/sparse/huge bs=1 seek=10G",
      );
      const folder = await target(scene);
      const error = await refused(
        sandbox.files.download("writable/sparse", folder, { maxBytes: 50_000_000 }),
        "FILE_FAILED",
      );
      expect(error.details.errno).toBe("EFBIG");
      expect(lstatSync(join(folder, "huge")).size).toBeLessThanOrEqual(50_000_000);
      const tar = new Response(sandbox.files.downloadTar("writable/sparse")).arrayBuffer();
      await refused(tar, "FILE_FAILED");
      await shell(sandbox, "rm writable/sparse/huge; for n in 1 2 3 4 5 6; do echo $n > writable/sparse/$n; done");
      await refused(sandbox.files.download("writable/sparse", await target(scene), { maxEntries: 5 }), "FILE_FAILED");
    },
  },
  {
    name: "a download goes to a new or empty folder, and replaces only what it is told to: never through a link of the host",
    async run(scene) {
      const sandbox = await scene.shared();
      const entries = [
        { path: "file", content: "from inside" },
        { path: "folder/inner", content: "from inside" },
      ];
      await sandbox.files.upload(entries, "writable/source");
      const folder = await target(scene);
      mkdirSync(folder);
      const precious = `${folder}-precious`;
      mkdirSync(precious);
      writeFileSync(join(precious, "inner"), "precious");
      symlinkSync(join(precious, "inner"), join(folder, "file"));
      const error = await refused(sandbox.files.download("writable/source", folder), "FILE_FAILED");
      expect(error.details.errno).toBe("ENOTEMPTY");
      await sandbox.files.download("writable/source", folder, { overwrite: true });
      expect(snapshot(folder)).toMatchObject({ file: "644 from inside" });
      symlinkSync(precious, join(folder, "linked"));
      await sandbox.files.upload([{ path: "linked/inner", content: "through" }], "writable/source");
      await refused(sandbox.files.download("writable/source", folder, { overwrite: true }), "FILE_FAILED");
      expect(readFileSync(join(precious, "inner"), "utf8")).toBe("precious");
      await refused(sandbox.files.download("writable/no-such", await target(scene)), "FILE_MISSING");
      await refused(sandbox.files.download("writable/source/file", await target(scene)), "FILE_FAILED");
      await refused(sandbox.files.download("secret", await target(scene)), "FILE_MISSING");
    },
  },
  {
    name: "a tree that changes while it is downloaded is downloaded, and an abort ends it",
    async run(scene) {
      const sandbox = await scene.shared();
      const many = Array.from({ length: 400 }, (_, index) => ({
        path: `d${index % 20}/f${index}`,
        content: "x".repeat(2000),
      }));
      await sandbox.files.upload(many, "writable/moving");
      const churn = await sandbox.spawn([
        "sh",
        "-c",
        "cd writable/moving; while :; do mv d1 e1; mv d2 d1; mv e1 d2; rm -rf d3; mkdir d3; echo > d3/x; done",
      ]);
      scene.defer(() => churn.kill());
      for (let round = 0; round < 3; round++) {
        const folder = await target(scene);
        await sandbox.files.download("writable/moving", folder);
        expect(existsSync(join(folder, "d0/f0"))).toBe(true);
      }
      await churn.kill();
      const abort = new AbortController();
      const seen: unknown[] = [];
      const reader = sandbox.files.downloadTar("writable/moving", { signal: abort.signal }).getReader();
      seen.push(await reader.read());
      abort.abort();
      const drained = (async () => {
        for (let piece = await reader.read(); !piece.done; piece = await reader.read()) seen.push(piece);
      })();
      await refused(drained, "ABORTED");
      const left = sandbox.files.downloadTar("writable/moving");
      await left.getReader().cancel();
      expect(await countPacks(sandbox)).toBe(0);
    },
  },
];

/** How many downloads still run in the sandbox: their processes are named as the warden is. */
async function countPacks(sandbox: Sandbox): Promise<number> {
  const { stdout } = await shell(sandbox, "for p in /proc/[0-9]*; do cat $p/comm 2>/dev/null; done");
  return stdout.split("\n").filter((name) => name === "shepherd").length - 1;
}
