/**
 * `sandbox.files`: what it refuses, as the agent itself would be refused.
 */
import { expect } from "vitest";
import { type Sandbox, SandboxError } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { patterned, refused, shell, within } from "../help.ts";

/** Refuses each of these, and says so in a decision. */
async function expectDenied(
  sandbox: Sandbox,
  operation: string,
  path: string,
  attempt: () => Promise<unknown>,
): Promise<void> {
  const before = sandbox.decisions().length;
  const error = await refused(attempt(), "FILE_DENIED");
  expect(error.details).toMatchObject({ operation, path });
  expect(["EACCES", "EPERM", "EROFS"]).toContain(error.details.errno);
  expect(error.hint).toContain("filesystem.");
  expect(sandbox.decisions().slice(before)).toMatchObject([
    { kind: "decision", domain: "filesystem", operation: `files.${operation}`, object: path, verdict: "deny" },
  ]);
}

export const fileRefusalCases: readonly Case[] = [
  {
    name: "files: what may only be read cannot be written, made, removed or renamed, and each attempt is a decision",
    async run(scene) {
      const sandbox = await scene.shared();
      const { files } = sandbox;
      const at = (name: string) => `/workspace/readonly/${name}`;
      await expectDenied(sandbox, "write", at("file.txt"), () => files.write("readonly/file.txt", "x"));
      await expectDenied(sandbox, "write", at("file.txt"), () =>
        files.write("readonly/file.txt", "x", { append: true }),
      );
      await expectDenied(sandbox, "write", at("new.txt"), () => files.write("readonly/new.txt", "x"));
      await expectDenied(sandbox, "remove", at("file.txt"), () => files.remove("readonly/file.txt"));
      await expectDenied(sandbox, "remove", at("empty"), () => files.remove("readonly/empty"));
      await expectDenied(sandbox, "remove", at("folder"), () => files.remove("readonly/folder", { recursive: true }));
      await expectDenied(sandbox, "mkdir", at("made"), () => files.mkdir("readonly/made"));
      await expectDenied(sandbox, "rename", at("file.txt"), () =>
        files.rename("readonly/file.txt", "readonly/else.txt"),
      );
      expect(await files.readText("readonly/file.txt")).toBe("read me\n");
      expect(await files.readText("readonly/folder/inner.txt")).toBe("inner\n");
    },
  },
  {
    name: "files: nothing can be renamed out of what may only be read, nor into it",
    async run(scene) {
      const { files } = await scene.shared();
      await files.write("writable/mine", "mine");
      for (const [from, to] of [
        ["readonly/file.txt", "writable/stolen"],
        ["writable/mine", "readonly/placed"],
        ["writable/mine", "readonly/file.txt"],
      ] as const) {
        const error = await files.rename(from, to).then(
          () => "renamed",
          (reason: unknown) => reason,
        );
        if (!SandboxError.is(error, "FILE_DENIED") && !SandboxError.is(error, "FILE_FAILED"))
          expect.fail(String(error));
      }
      expect(await files.readText("readonly/file.txt")).toBe("read me\n");
      expect(await files.readText("writable/mine")).toBe("mine");
    },
  },
  {
    name: "files: what is not granted cannot be read, however it is named",
    async run(scene) {
      const sandbox = await scene.shared();
      const paths = [
        "/proc/1/environ",
        "/proc/1/mem",
        "/proc/1/root/etc/shadow",
        "/proc/self/root/etc/shadow",
        "/etc/shadow",
        "secret/secret.txt",
        "readonly/../secret/secret.txt",
        "/tmp/../etc/shadow",
        "writable/to-secret",
        "writable/to-shadow",
        "writable/to-environ",
        "writable/to-root/etc/shadow",
        "/root/.bash_history",
        "/var/run/docker.sock",
      ];
      for (const path of paths) {
        const error = await sandbox.files.read(path).then(
          (bytes) => `read ${bytes.length} bytes`,
          (reason: unknown) => reason,
        );
        if (SandboxError.is(error, "FILE_DENIED") || SandboxError.is(error, "FILE_MISSING")) continue;
        expect.fail(`reading ${path} came to ${error}`);
      }
      await expectDenied(sandbox, "read", "/proc/1/environ", () => sandbox.files.read("/proc/1/environ"));
      await expectDenied(sandbox, "read", "/workspace/writable/to-environ", () =>
        sandbox.files.read("writable/to-environ"),
      );
    },
  },
  {
    name: "files: a stream that is refused fails when it is read, and is a decision",
    async run(scene) {
      const sandbox = await scene.shared();
      const read = () => sandbox.files.readStream("/proc/1/environ").getReader().read();
      await expectDenied(sandbox, "read", "/proc/1/environ", read);
      const stream = new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      });
      await within(20_000, "write()", refused(sandbox.files.write("readonly/x", stream), "FILE_DENIED"));
    },
  },
  {
    name: "files: folders that are not granted cannot be listed",
    async run(scene) {
      const { files } = await scene.shared();
      for (const path of ["/root", "/proc/1/fd", "/var/lib", "secret"]) {
        const error = await files.list(path).then(
          (entries) => `${entries.length} entries`,
          (reason: unknown) => reason,
        );
        if (!SandboxError.is(error, "FILE_DENIED") && !SandboxError.is(error, "FILE_MISSING"))
          expect.fail(`${path}: ${error}`);
      }
    },
  },
  {
    name: "files: what is missing is FILE_MISSING with the path that was meant",
    async run(scene) {
      const { files } = await scene.shared();
      for (const attempt of [
        () => files.read("writable/missing"),
        () => files.stat("writable/missing"),
        () => files.list("writable/missing"),
        () => files.remove("writable/missing"),
        () => files.rename("writable/missing", "writable/x"),
        () => files.write("writable/missing/x", "x"),
      ]) {
        expect((await refused(attempt(), "FILE_MISSING")).details.path).toContain("/workspace/writable/missing");
      }
    },
  },
  {
    name: "files: a folder is no file, and a file no folder",
    async run(scene) {
      const { files } = await scene.shared();
      expect((await refused(files.read("readonly/folder"), "FILE_FAILED")).details.errno).toBe("EISDIR");
      expect((await refused(files.write("writable", "x"), "FILE_FAILED")).details.errno).toBe("EISDIR");
      expect((await refused(files.list("readonly/file.txt"), "FILE_FAILED")).details.errno).toBe("ENOTDIR");
      expect((await refused(files.read("readonly/file.txt/x"), "FILE_FAILED")).details.errno).toBe("ENOTDIR");
    },
  },
  {
    name: "files: a FIFO, a device and a terminal are refused at once, and nothing hangs on them",
    async run(scene) {
      const sandbox = await scene.shared();
      const { files } = sandbox;
      await shell(sandbox, "rm -f writable/fifo; mkfifo writable/fifo; ln -s fifo writable/to-fifo");
      const attempts = {
        read: () => files.read("writable/fifo"),
        "read through a link": () => files.read("writable/to-fifo"),
        write: () => files.write("writable/fifo", "x"),
        append: () => files.write("writable/fifo", "x", { append: true }),
        "read a device": () => files.read("/dev/zero"),
        "write a device": () => files.write("/dev/null", "x"),
        "read the terminal": () => files.read("/dev/tty"),
      };
      for (const [what, attempt] of Object.entries(attempts)) {
        const error = await within(
          10_000,
          what,
          attempt().then(
            () => what,
            (reason: unknown) => reason,
          ),
        );
        if (!SandboxError.is(error, "FILE_FAILED") && !SandboxError.is(error, "FILE_DENIED"))
          expect.fail(`${what}: ${error}`);
      }
      expect((await files.stat("writable/fifo")).kind).toBe("other");
      await files.remove("writable/fifo");
    },
  },
  {
    name: "files: an operation ends when its signal is aborted",
    async run(scene) {
      const { files } = await scene.shared();
      await expect(files.read("readonly/file.txt", { signal: AbortSignal.abort() })).rejects.toThrow();
      const controller = new AbortController();
      const endless = new ReadableStream<Uint8Array>({ pull: (stream) => stream.enqueue(patterned(65_536)) });
      const writing = files.write("/tmp/endless", endless, { signal: controller.signal }).then(
        () => "written",
        () => "ended",
      );
      setTimeout(() => controller.abort(), 50);
      expect(await within(20_000, "write()", writing)).toBe("ended");
      await files.remove("/tmp/endless", { force: true });
    },
  },
  {
    name: "files: a tree deeper than any path can be removed or is refused, without harm",
    async run(scene) {
      const sandbox = await scene.own();
      await sandbox.exec(["bin/tool", "dig", "writable/deep", "1500"], { check: true });
      const attempt = sandbox.files.remove("writable/deep", { recursive: true });
      const error = await within(
        30_000,
        "remove()",
        attempt.then(
          () => undefined,
          (reason: unknown) => reason,
        ),
      );
      if (error !== undefined && !SandboxError.is(error, "FILE_FAILED")) expect.fail(String(error));
      expect((await sandbox.exec(["echo", "on"])).stdout).toBe("on\n");
    },
  },
];
