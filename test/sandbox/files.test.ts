import { describe, expect, test } from "vitest";
import { lost } from "../../src/link/link.ts";
import { CODES, FLAGS, INITIAL_CREDIT_BYTES } from "../../src/link/protocol.ts";
import type { SandboxFiles } from "../../src/sandbox/files.ts";
import type { FakeStream } from "../link/fake-warden.ts";
import { failure, settle } from "../link/support.ts";
import { answer, take, withFiles } from "./file-support.ts";

describe("read()", () => {
  test("reads a whole file", async () => {
    const { files, asked } = await withFiles(answer("é"));
    expect(await files.readText("a/b.txt")).toBe("é");
    expect(asked()).toMatchObject({ operation: CODES.operation.read, offset: 0, length: 64 * 1024 * 1024 + 1 });
    expect(Buffer.from(asked().path).toString()).toBe("/workspace/a/b.txt");
    expect(Buffer.from(await files.read("/etc/x", { maxBytes: 2 })).toString()).toBe("é");
    expect(Buffer.from(asked().path).toString()).toBe("/etc/x");
  });

  test("takes paths as bytes", async () => {
    const { files, asked } = await withFiles(answer(""));
    await files.read(Buffer.from([0x2f, 0xff]));
    expect(Buffer.from(asked().path).equals(Buffer.from([0x2f, 0xff]))).toBe(true);
  });

  test("refuses a file that is longer than maxBytes, and leaves nothing", async () => {
    const { files, warden } = await withFiles((stream, { length }) => {
      stream.started();
      stream.data(1, Buffer.alloc(length));
    });
    const error = await failure(files.read("big", { maxBytes: 10 }));
    expect(error).toMatchObject({
      code: "FILE_FAILED",
      details: { operation: "read", path: "/workspace/big", errno: "EFBIG" },
    });
    await settle();
    expect(warden.streams.size).toBe(0);
  });

  test("a warden that answers more than it was asked for is hostile", async () => {
    const { files, context } = await withFiles(answer("0123456789ab"));
    expect((await failure(files.read("x", { maxBytes: 10 }))).code).toBe("PROTOCOL_VIOLATION");
    expect((await context.link.closed).code).toBe("PROTOCOL_VIOLATION");
  });

  test("fails when the operation fails midway", async () => {
    const { files } = await withFiles((stream) => {
      stream.started().data(1, "half");
      stream.failed(CODES.stage.file, 5);
    });
    expect(await failure(files.read("x"))).toMatchObject({ code: "FILE_FAILED", details: { errno: "EIO" } });
  });

  test("fails when something kills the operation", async () => {
    const { files } = await withFiles((stream) => stream.started().exit({ signal: 9, flags: 2 }));
    expect((await failure(files.read("x"))).code).toBe("FILE_FAILED");
  });
});

describe("errors", () => {
  test.each<[number, string, string]>([
    [13, "EACCES", "FILE_DENIED"],
    [1, "EPERM", "FILE_DENIED"],
    [30, "EROFS", "FILE_DENIED"],
    [2, "ENOENT", "FILE_MISSING"],
    [20, "ENOTDIR", "FILE_FAILED"],
    [21, "EISDIR", "FILE_FAILED"],
    [28, "ENOSPC", "FILE_FAILED"],
  ])("errno %d, %s, is %s", async (errno, name, code) => {
    const { files, reported } = await withFiles((stream) => void stream.failed(CODES.stage.file, errno));
    const calls: [string, () => Promise<unknown>][] = [
      ["read", () => files.read("x")],
      ["write", () => files.write("x", "data")],
      ["list", () => files.list("x")],
      ["stat", () => files.stat("x")],
      ["remove", () => files.remove("x")],
      ["rename", () => files.rename("x", "y")],
      ["mkdir", () => files.mkdir("x")],
    ];
    for (const [operation, call] of calls) {
      const details = { operation, path: "/workspace/x", errno: name };
      expect(await failure(call())).toMatchObject({ code, details, hint: expect.any(String) });
    }
    const refused = calls.map(([operation]) => `refused ${operation} /workspace/x`);
    expect(reported).toEqual(code === "FILE_DENIED" ? refused : []);
  });

  test("the end of the link reaches every operation, in every state", async () => {
    for (const file of [() => undefined, (stream: FakeStream) => void stream.started()]) {
      const { files, context } = await withFiles(file);
      const calls = [
        files.read("x"),
        files.write("x", new ReadableStream()),
        files.list("x"),
        files.stat("x"),
        files.remove("x"),
        files.readStream("x").getReader().read(),
      ].map(failure);
      await settle();
      context.link.close(lost("the test says so"));
      for (const call of calls) expect((await call).code).toBe("LINK_LOST");
      expect((await failure(files.exists("x"))).code).toBe("LINK_LOST");
    }
  });

  test.each<[string, (files: SandboxFiles) => Promise<unknown>]>([
    ["an empty path", (files) => files.read("")],
    ["a NUL", (files) => files.read("a\0")],
    ["a path that is too long", (files) => files.read("a".repeat(4096))],
    ["a number", (files) => files.read(1 as never)],
    ["a negative maxBytes", (files) => files.read("x", { maxBytes: -1 })],
    ["a maxBytes that no array can hold", (files) => files.read("x", { maxBytes: 2 ** 40 })],
    ["a maxBytes that no string can hold", (files) => files.readText("x", { maxBytes: 2 ** 30 })],
    ["a mode that is none", (files) => files.write("x", "", { mode: 0o1777 })],
    ["another mode that is none", (files) => files.mkdir("x", { mode: 2 ** 40 })],
    ["data that is none", (files) => files.write("x", 5 as never)],
  ])("%s is refused here", async (_what, call) => {
    const { files, warden } = await withFiles(answer(""));
    expect((await failure(call(files))).code).toBe("ARGUMENT_INVALID");
    await settle();
    expect(warden.all("file")).toHaveLength(0);
  });
});

describe("readStream()", () => {
  test("opens when it is read, and grants as it is read", async () => {
    const all = Buffer.alloc(1_000_000, "0123456789");
    const { files, warden, asked } = await withFiles((stream) => {
      let at = 0;
      const pump = () => {
        at += stream.data(1, all.subarray(at));
        if (at === all.length && !stream.over) stream.exit();
      };
      stream.started();
      stream.onMessage = pump;
      pump();
    });
    const stream = files.readStream("x", { offset: 3, length: 1_000_000 });
    await settle();
    expect(warden.all("file")).toHaveLength(0);
    const pieces: Uint8Array[] = [];
    const reader = stream.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) pieces.push(next.value);
    expect(Buffer.concat(pieces).equals(all)).toBe(true);
    expect(asked()).toMatchObject({ offset: 3, length: 1_000_000 });
  });

  test("kills the operation when it is cancelled, and starts none for that", async () => {
    const { files, warden } = await withFiles((stream) => {
      stream.started().data(1, Buffer.alloc(INITIAL_CREDIT_BYTES));
    });
    await files.readStream("x").cancel();
    expect(warden.all("file")).toHaveLength(0);
    const reader = files.readStream("x").getReader();
    await reader.read();
    await reader.cancel();
    await settle();
    expect(warden.streams.size).toBe(0);
  });

  test("fails as read() does", async () => {
    const { files } = await withFiles((stream) => void stream.failed(CODES.stage.file, 2));
    expect((await failure(files.readStream("x").getReader().read())).code).toBe("FILE_MISSING");
    expect(() => files.readStream("x", { offset: -1 })).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
  });
});

describe("write()", () => {
  test("sends data, flags and mode", async () => {
    let input = "";
    const { files, asked } = await withFiles((stream) => {
      take(stream);
      const { onMessage } = stream;
      stream.onMessage = (name) => {
        input = stream.input.toString();
        onMessage(name);
      };
    });
    await files.write("x", "text");
    expect([input, asked().mode, asked().flags]).toEqual(["text", 0o644, 0]);
    await files.write("x", new Blob(["streamed"]).stream(), {
      append: true,
      exclusive: true,
      createParents: true,
      mode: 0o600,
    });
    const { append, exclusive, recursive } = FLAGS.file;
    expect([input, asked().mode, asked().flags]).toEqual(["streamed", 0o600, append | exclusive | recursive]);
  });

  test("fails at once when the operation does, whether data comes or not", async () => {
    let cancelled = false;
    const data = new ReadableStream<Uint8Array>({
      cancel: () => {
        cancelled = true;
      },
    });
    const { files } = await withFiles((stream) => void stream.failed(CODES.stage.file, 13));
    expect((await failure(files.write("x", data))).code).toBe("FILE_DENIED");
    await settle();
    expect(cancelled).toBe(true);
  });

  test("ends the operation when the data fails", async () => {
    const { files, warden } = await withFiles(take);
    const data = (async function* () {
      yield "half";
      throw new Error("disk on fire");
    })();
    await expect(files.write("x", data)).rejects.toThrow("disk on fire");
    await settle();
    expect(warden.all("end")).toHaveLength(0);
    expect(warden.all("kill")).toHaveLength(1);
  });
});
