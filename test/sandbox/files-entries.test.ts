import { describe, expect, test } from "vitest";
import { CODES, FLAGS, MAX_STREAMS, type MessageValues } from "../../src/link/protocol.ts";
import type { SandboxFiles } from "../../src/sandbox/files.ts";
import type { FakeStream } from "../link/fake-warden.ts";
import { failure, settle, settled } from "../link/support.ts";
import { answer, record, withFiles } from "./file-support.ts";

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
