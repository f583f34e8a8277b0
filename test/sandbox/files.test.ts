import { describe, expect, test } from "vitest";
import { decodeMessage, encodeFields } from "../../src/link/codec.ts";
import { lost } from "../../src/link/link.ts";
import {
  CODES,
  FLAGS,
  INITIAL_CREDIT_BYTES,
  MAX_STREAMS,
  type MessageValues,
  RECORDS,
} from "../../src/link/protocol.ts";
import { SandboxFiles } from "../../src/sandbox/files.ts";
import type { FakeStream, FakeWardenScript } from "../link/fake-warden.ts";
import { failure, settle, settled } from "../link/support.ts";
import { harness } from "./support.ts";

type Entry = Parameters<typeof encodeFields<(typeof RECORDS)["entry"]>>[1];

async function withFiles(file: NonNullable<FakeWardenScript["file"]>) {
  const parts = await harness({ file });
  const asked = () => decodeMessage("file", parts.warden.all("file").at(-1)?.payload ?? Buffer.alloc(0));
  return { ...parts, files: new SandboxFiles(parts.context), asked };
}

/** Answers with those bytes, and success. */
const answer = (bytes: string | Uint8Array) => (stream: FakeStream) => {
  stream.started();
  stream.data(1, bytes);
  stream.exit();
};

/** Takes all input, and succeeds. */
function take(stream: FakeStream): void {
  stream.started();
  stream.onMessage = (name) => {
    if (name === "end") stream.exit();
  };
}

function record(change: Partial<Entry> & { readonly called?: string | Uint8Array } = {}): Buffer {
  const { called = "file", ...fields } = change;
  const bytes = encodeFields(RECORDS.entry, {
    kind: CODES.kind.file,
    mode: 0o644,
    uid: 1000,
    size: 5,
    mtimeSeconds: 1_700_000_000,
    mtimeNanoseconds: 500_000_000,
    name: Buffer.from(called),
    target: Buffer.alloc(0),
    ...fields,
  });
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
}

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

describe("list() and stat()", () => {
  test("list() sorts by the bytes of the names, and keeps names that are no text", async () => {
    const names = [Buffer.from("b"), Buffer.from([0xff]), Buffer.from("é"), Buffer.from("..."), Buffer.from("B")];
    const { files } = await withFiles(answer(Buffer.concat(names.map((called) => record({ called })))));
    const entries = await files.list();
    expect(entries.map(({ name }) => name)).toEqual(["...", "B", "b", "é", "\ufffd"]);
    expect([...(entries.at(-1)?.nameBytes ?? [])]).toEqual([0xff]);
  });

  test("stat() tells what a file is", async () => {
    const { files, asked } = await withFiles(
      answer(record({ called: "link", kind: CODES.kind.symlink, target: Buffer.from("../x"), mode: 0o777 })),
    );
    expect(await files.stat("link", { followSymlinks: false })).toMatchObject({
      name: "link",
      kind: "symlink",
      target: "../x",
      mode: 0o777,
      uid: 1000,
      size: 5,
      mtimeMs: 1_700_000_000_500,
    });
    expect(asked().flags).toBe(FLAGS.file.noFollow);
    await files.stat("link");
    expect(asked().flags).toBe(0);
  });

  test.each<[string, Buffer]>([
    ["an entry with a path for a name", record({ called: "../../etc/passwd" })],
    ["an entry called ..", record({ called: ".." })],
    ["an entry without a name", record({ called: "" })],
    ["an entry with a NUL", record({ called: "a\0b" })],
    ["an entry of an unknown kind", record({ kind: 9 })],
    ["a record that is cut", record().subarray(0, -1)],
    ["a record without its length", Buffer.from([1, 0])],
    ["a record that claims too much", Buffer.from([0xff, 0xff, 0xff, 0xff, 0])],
    ["a record that is too short", Buffer.from([1, 0, 0, 0, 1])],
  ])("list() ends the link over %s", async (_what, bytes) => {
    const { files, context } = await withFiles(answer(bytes));
    expect((await failure(files.list())).code).toBe("PROTOCOL_VIOLATION");
    expect((await context.link.closed).code).toBe("PROTOCOL_VIOLATION");
  });

  test.each<[string, Buffer]>([
    ["nothing", Buffer.alloc(0)],
    ["two records", Buffer.concat([record(), record()])],
    ["more than a record", Buffer.alloc(20_000)],
  ])("stat() ends the link over %s", async (_what, bytes) => {
    const { files, context } = await withFiles(answer(bytes));
    expect((await failure(files.stat("x"))).code).toBe("PROTOCOL_VIOLATION");
    expect((await context.link.closed).code).toBe("PROTOCOL_VIOLATION");
  });

  test("list() gives up on a folder that is too large", async () => {
    const many = Buffer.concat(Array.from({ length: 3000 }, () => record({ called: "n".repeat(200) })));
    const { files } = await withFiles((stream) => {
      const pump = () => {
        while (stream.data(1, many.subarray(0, stream.credit[1])) > 0);
      };
      stream.started();
      stream.onMessage = pump;
      pump();
    });
    expect(await failure(files.list("big"))).toMatchObject({ code: "FILE_FAILED", details: { errno: "EFBIG" } });
  });

  test("exists() tells what is there from what is not, and from what is denied", async () => {
    const outcomes: [(stream: FakeStream) => void, unknown][] = [
      [answer(record()), true],
      [(stream) => void stream.failed(CODES.stage.file, 2), false],
      [(stream) => void stream.failed(CODES.stage.file, 20), false],
    ];
    for (const [file, expected] of outcomes) expect(await (await withFiles(file)).files.exists("x")).toBe(expected);
    const denied = await withFiles((stream) => void stream.failed(CODES.stage.file, 13));
    expect((await failure(denied.files.exists("x"))).code).toBe("FILE_DENIED");
  });
});

describe("remove(), rename() and mkdir()", () => {
  test("ask for what they say", async () => {
    const { files, asked } = await withFiles(answer(""));
    const request = ({ operation, flags, mode, path, target }: MessageValues<"file">) => ({
      operation,
      flags,
      mode,
      path: Buffer.from(path).toString(),
      target: Buffer.from(target).toString(),
    });
    const path = "/workspace/a";
    await files.remove("a", { recursive: true, force: true });
    const { recursive, force } = FLAGS.file;
    expect(request(asked())).toEqual({ operation: 5, flags: recursive | force, mode: 0, path, target: "" });
    await files.rename("a", "/b");
    expect(request(asked())).toEqual({ operation: 6, flags: 0, mode: 0, path, target: "/b" });
    await files.mkdir("a", { recursive: true });
    expect(request(asked())).toEqual({ operation: 7, flags: recursive, mode: 0o755, path, target: "" });
  });

  test("a warden that answers them with data is hostile", async () => {
    const { files } = await withFiles(answer("x"));
    expect((await failure(files.mkdir("a"))).code).toBe("PROTOCOL_VIOLATION");
  });
});

describe("an AbortSignal", () => {
  const calls: [string, (files: SandboxFiles, signal: AbortSignal) => Promise<unknown>][] = [
    ["read", (files, signal) => files.read("x", { signal })],
    ["readStream", (files, signal) => files.readStream("x", { signal }).getReader().read()],
    ["write", (files, signal) => files.write("x", new ReadableStream(), { signal })],
    ["list", (files, signal) => files.list("x", { signal })],
    ["stat", (files, signal) => files.stat("x", { signal })],
    ["remove", (files, signal) => files.remove("x", { signal })],
  ];

  test.each(calls)("that is aborted already starts no %s", async (_name, call) => {
    const { files, warden } = await withFiles(answer(""));
    expect((await failure(call(files, AbortSignal.abort("why")))).code).toBe("ABORTED");
    expect(warden.all("file")).toHaveLength(0);
  });

  test.each(calls)("ends a %s that runs", async (_name, call) => {
    const abort = new AbortController();
    const { files, warden } = await withFiles((stream) => void stream.started());
    const outcome = failure(call(files, abort.signal));
    await settle();
    abort.abort("why");
    expect(await outcome).toMatchObject({ code: "ABORTED", cause: "why" });
    await settle();
    expect(warden.streams.size).toBe(0);
  });

  test("ends one that waits for a place", async () => {
    const abort = new AbortController();
    const { files } = await withFiles(() => undefined);
    const filling = Array.from({ length: MAX_STREAMS }, () => files.stat("x").catch(() => undefined));
    await settle();
    const outcome = failure(files.stat("x", { signal: abort.signal }));
    expect(await settled(outcome)).toBe(false);
    abort.abort();
    expect((await outcome).code).toBe("ABORTED");
    expect(filling).toHaveLength(MAX_STREAMS);
  });
});
