/**
 * `sandbox.files`: what it does.
 */
import { expect } from "vitest";
import type { Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { patterned, refused, shell } from "../help.ts";

const TWENTY_MB = 20_000_000;
const STRANGE = Buffer.concat([Buffer.from("writable/strange \n'\"$(x)\t\u001b[31m"), Buffer.from([0xff, 0xfe, 0x80])]);

async function collect(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  return Buffer.from(await new Response(stream).arrayBuffer());
}

async function modeOf(sandbox: Sandbox, path: string): Promise<string> {
  return (await sandbox.files.stat(path)).mode.toString(8);
}

export const fileCases: readonly Case[] = [
  {
    name: "files: what is written is read, by the host and by commands",
    async run(scene) {
      const { files, ...sandbox } = await bound(scene.shared());
      await files.write("writable/a.txt", "one ü\n");
      expect(await files.readText("writable/a.txt")).toBe("one ü\n");
      expect(await files.readText("/workspace/writable/a.txt")).toBe("one ü\n");
      expect((await sandbox.exec(["cat", "writable/a.txt"])).stdout).toBe("one ü\n");
      await files.write("writable/a.txt", "2");
      expect(await files.readText("writable/a.txt")).toBe("2");
      await files.write("writable/empty", "");
      expect((await files.read("writable/empty")).length).toBe(0);
      expect(await files.readText("readonly/file.txt")).toBe("read me\n");
    },
  },
  {
    name: "files.write() appends, refuses to replace, and makes folders where it is told to",
    async run(scene) {
      const { files } = await scene.shared();
      await files.write("writable/log", "one\n", { append: true });
      await files.write("writable/log", "two\n", { append: true });
      expect(await files.readText("writable/log")).toBe("one\ntwo\n");
      const error = await refused(files.write("writable/log", "three", { exclusive: true }), "FILE_FAILED");
      expect(error.details.errno).toBe("EEXIST");
      expect(await files.readText("writable/log")).toBe("one\ntwo\n");
      await refused(files.write("writable/x/y/z.txt", "deep"), "FILE_MISSING");
      await files.write("writable/x/y/z.txt", "deep", { createParents: true });
      expect(await files.readText("writable/x/y/z.txt")).toBe("deep");
      await files.write("writable/x/y/new.txt", "new", { exclusive: true });
    },
  },
  {
    name: "files.write() gives a new file the mode that was asked for, and leaves that of an old one",
    async run(scene) {
      const { files, ...sandbox } = await bound(scene.shared());
      await files.write("writable/plain", "x");
      expect(await modeOf(sandbox.whole, "writable/plain")).toBe("644");
      await files.write("writable/script", "#!/bin/sh\necho ran\n", { mode: 0o750 });
      expect(await modeOf(sandbox.whole, "writable/script")).toBe("750");
      expect((await sandbox.exec(["writable/script"])).stdout).toBe("ran\n");
      await files.write("writable/script", "#!/bin/sh\necho again\n", { mode: 0o600 });
      expect(await modeOf(sandbox.whole, "writable/script")).toBe("750");
      await refused(files.write("writable/set-id", "x", { mode: 0o6777 }), "ARGUMENT_INVALID");
    },
  },
  {
    name: "files: 20 MB go in and out byte for byte, whole and as streams",
    async run(scene) {
      const { files } = await scene.shared();
      const bytes = patterned(TWENTY_MB);
      await files.write("writable/large", bytes);
      expect((await files.stat("writable/large")).size).toBe(TWENTY_MB);
      expect(bytes.equals(await files.read("writable/large"))).toBe(true);
      expect(bytes.equals(await collect(files.readStream("writable/large")))).toBe(true);
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          for (let at = 0; at < bytes.length; at += 1_000_003) controller.enqueue(bytes.subarray(at, at + 1_000_003));
          controller.close();
        },
      });
      await files.write("writable/streamed", stream);
      expect(bytes.equals(await files.read("writable/streamed"))).toBe(true);
      await files.remove("writable/large");
    },
  },
  {
    name: "files.readStream() reads a part, and can be cancelled",
    async run(scene) {
      const { files } = await scene.shared();
      await files.write("writable/digits", "0123456789");
      const part = (options: Parameters<typeof files.readStream>[1]) =>
        collect(files.readStream("writable/digits", options)).then(String);
      expect(await part({ offset: 3 })).toBe("3456789");
      expect(await part({ offset: 3, length: 4 })).toBe("3456");
      expect(await part({ length: 2 })).toBe("01");
      expect(await part({ offset: 100 })).toBe("");
      const endless = files.readStream("/dev/zero");
      await expect(endless.getReader().read()).rejects.toMatchObject({ code: "FILE_FAILED" });
      await files.write("writable/long", patterned(10_000_000));
      const reader = files.readStream("writable/long").getReader();
      expect((await reader.read()).value?.length).toBeGreaterThan(0);
      await reader.cancel();
    },
  },
  {
    name: "files.read() refuses what is longer than maxBytes",
    async run(scene) {
      const { files } = await scene.shared();
      await files.write("writable/ten", "0123456789");
      expect(await files.readText("writable/ten", { maxBytes: 10 })).toBe("0123456789");
      const error = await refused(files.read("writable/ten", { maxBytes: 9 }), "FILE_FAILED");
      expect(error.details.errno).toBe("EFBIG");
      expect(error.hint).toContain("maxBytes");
    },
  },
  {
    name: "files.list() and files.stat() say what is there",
    async run(scene) {
      const { files, ...sandbox } = await bound(scene.own());
      await shell(sandbox.whole, "cd writable; rm -rf *; mkdir d; echo abc > f; ln -s f l; ln -s nowhere n; mkfifo p");
      const entries = await files.list("writable");
      expect(entries.map(({ name, kind, target }) => [name, kind, target])).toEqual([
        ["d", "directory", undefined],
        ["f", "file", undefined],
        ["l", "symlink", "f"],
        ["n", "symlink", "nowhere"],
        ["p", "other", undefined],
      ]);
      const stat = await files.stat("writable/f");
      expect(stat).toMatchObject({ name: "f", kind: "file", size: 4, mode: 0o644 });
      expect(Math.abs(stat.mtimeMs - Date.now())).toBeLessThan(3_600_000);
      expect((await files.stat("writable/l")).kind).toBe("file");
      expect(await files.stat("writable/l", { followSymlinks: false })).toMatchObject({ kind: "symlink", target: "f" });
      await refused(files.stat("writable/n"), "FILE_MISSING");
      expect([await files.exists("writable/n"), await files.exists("writable/f/x"), await files.exists("no")]).toEqual([
        true,
        false,
        false,
      ]);
    },
  },
  {
    name: "files.list() gives thousands of entries",
    async run(scene) {
      const { files, ...sandbox } = await bound(scene.shared());
      await shell(sandbox.whole, "mkdir writable/many && cd writable/many && seq 1 3000 | xargs touch");
      const entries = await files.list("writable/many");
      expect(entries.length).toBe(3000);
      expect(new Set(entries.map(({ name }) => name)).size).toBe(3000);
    },
  },
  {
    name: "files.remove() takes a file, an empty folder, or with recursive a whole tree",
    async run(scene) {
      const { files, ...sandbox } = await bound(scene.shared());
      await shell(
        sandbox.whole,
        "cd writable; mkdir -p r/a/b r/empty; echo x > r/a/b/f; ln -s ../readonly r/link; chmod 0 r/a/b",
      );
      await files.remove("writable/r/empty");
      expect((await refused(files.remove("writable/r"), "FILE_FAILED")).details.errno).toBe("ENOTEMPTY");
      await files.remove("writable/r", { recursive: true });
      expect(await files.exists("writable/r")).toBe(false);
      expect(await files.readText("readonly/file.txt")).toBe("read me\n");
      await refused(files.remove("writable/r"), "FILE_MISSING");
      await files.remove("writable/r", { force: true });
      await files.remove("writable/r", { recursive: true, force: true });
    },
  },
  {
    name: "files.rename() and files.mkdir() do what rename(2) and mkdir(2) do",
    async run(scene) {
      const { files, ...sandbox } = await bound(scene.shared());
      await files.mkdir("writable/m");
      expect((await refused(files.mkdir("writable/m"), "FILE_FAILED")).details.errno).toBe("EEXIST");
      await refused(files.mkdir("writable/m/n/o"), "FILE_MISSING");
      await files.mkdir("writable/m/n/o", { recursive: true, mode: 0o700 });
      await files.mkdir("writable/m/n/o", { recursive: true });
      expect(await modeOf(sandbox.whole, "writable/m/n/o")).toBe("700");
      await files.write("writable/m/old", "old");
      await files.write("writable/m/new", "new");
      await files.rename("writable/m/old", "writable/m/new");
      expect(await files.readText("writable/m/new")).toBe("old");
      await files.rename("writable/m/n", "writable/n2");
      expect((await files.stat("writable/n2/o")).kind).toBe("directory");
      await refused(files.rename("writable/nothing", "writable/else"), "FILE_MISSING");
    },
  },
  {
    name: "files: names with newlines, escapes and invalid UTF-8 are names like others",
    async run(scene) {
      const { files, ...sandbox } = await bound(scene.own());
      await files.write(STRANGE, "strange");
      expect(await files.readText(STRANGE)).toBe("strange");
      const found = (await files.list("writable")).find(({ size, kind }) => size === 7 && kind === "file");
      expect(Buffer.from(found?.nameBytes ?? []).equals(STRANGE.subarray("writable/".length))).toBe(true);
      expect((await sandbox.exec(["cat", STRANGE])).stdout).toBe("strange");
      const other = Buffer.concat([STRANGE, Buffer.from("2")]);
      await files.rename(STRANGE, other);
      await files.remove(other);
      expect(await files.exists(other)).toBe(false);
      for (const path of ["", "a\0b", `/${"x".repeat(4096)}`]) await refused(files.read(path), "ARGUMENT_INVALID");
      const long = await refused(files.read(`writable/${"x".repeat(300)}`), "FILE_FAILED");
      expect(long.details.errno).toBe("ENAMETOOLONG");
    },
  },
  {
    name: "files: many operations at a time do not disturb one another",
    async run(scene) {
      const { files } = await scene.shared();
      await files.mkdir("writable/parallel");
      const names = Array.from({ length: 60 }, (_, index) => `writable/parallel/${index}`);
      await Promise.all(names.map((name, index) => files.write(name, name.repeat(index * 100))));
      const texts = await Promise.all(names.map((name) => files.readText(name)));
      expect(texts).toEqual(names.map((name, index) => name.repeat(index * 100)));
    },
  },
];

/** The sandbox, and its files beside it. */
async function bound(promise: Promise<Sandbox>): Promise<Pick<Sandbox, "files" | "exec"> & { whole: Sandbox }> {
  const whole = await promise;
  return { whole, files: whole.files, exec: (argv, options) => whole.exec(argv, options) };
}
