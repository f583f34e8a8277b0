import { describe, expect, test } from "vitest";
import { decodeMessage } from "../../src/link/codec.ts";
import { lost } from "../../src/link/link.ts";
import { CODES, INITIAL_CREDIT_BYTES } from "../../src/link/protocol.ts";
import { spawnCommand } from "../../src/sandbox/spawn.ts";
import type { Command, OutputChunk, SpawnOptions } from "../../src/sandbox/types.ts";
import type { FakeStream } from "../link/fake-warden.ts";
import { failure, settle, settled } from "../link/support.ts";
import { harness } from "./support.ts";

async function spawned(options: SpawnOptions = {}) {
  const opened: FakeStream[] = [];
  const parts = await harness({ exec: (stream) => void opened.push(stream.started(9)) });
  const command = await spawnCommand(parts.context, ["program"], options);
  return { ...parts, command, stream: opened[0] as FakeStream };
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read())
    text += Buffer.from(next.value).toString();
  return text;
}

describe("spawn()", () => {
  test("settles when the program runs", async () => {
    const { context, last } = await harness();
    const spawning = spawnCommand(context, ["x"], {});
    expect(await settled(spawning)).toBe(false);
    (await last()).started(1234);
    expect((await spawning).pid).toBe(1234);
  });

  test("fails when it cannot be started", async () => {
    const { context } = await harness({ exec: (stream) => void stream.failed(CODES.stage.exec, 2) });
    expect((await failure(spawnCommand(context, ["x"], {}))).code).toBe("EXEC_FAILED");
  });

  test("fails when its signal is aborted before it runs, and leaves nothing", async () => {
    const abort = new AbortController();
    const { context, warden } = await harness();
    const spawning = failure(spawnCommand(context, ["x"], { signal: abort.signal }));
    await settle();
    abort.abort();
    expect((await spawning).code).toBe("ABORTED");
    expect(warden.streams.size).toBe(0);
  });

  test("kills the program when its signal is aborted later, whether its output is read or not", async () => {
    const abort = new AbortController();
    const { command, stream } = await spawned({ signal: abort.signal });
    stream.data(1, Buffer.alloc(INITIAL_CREDIT_BYTES));
    await settle();
    abort.abort();
    expect(await command.exited).toMatchObject({ signal: "SIGKILL", exitCode: null });
    await command.gone;
  });

  test.each<[SpawnOptions, object]>([
    [{}, { flags: 0 }],
    [{ stdin: "pipe" }, { flags: 2 }],
    [{ pty: true }, { flags: 1, rows: 24, columns: 80 }],
    [{ pty: { rows: 50, columns: 200 } }, { flags: 1, rows: 50, columns: 200 }],
    [{ pty: false }, { flags: 0 }],
  ])("asks for what %o says", async (options, asked) => {
    const { warden } = await spawned(options);
    const request = decodeMessage("exec", warden.all("exec")[0]?.payload ?? Buffer.alloc(0));
    expect(request).toMatchObject(asked);
    const term = request.env.some((each) => Buffer.from(each).toString() === "TERM=xterm-256color");
    expect(term).toBe(Boolean(options.pty));
  });

  test.each([0, -1, 65_536, 1.5, Number.NaN])("refuses a terminal of %s rows", async (rows) => {
    const { context } = await harness();
    expect((await failure(spawnCommand(context, ["x"], { pty: { rows, columns: 80 } }))).code).toBe("ARGUMENT_INVALID");
  });
});

describe("command output", () => {
  test("comes in the order of arrival", async () => {
    const { command, stream } = await spawned();
    stream.data(1, "a");
    stream.data(1, "b");
    stream.data(2, "c");
    stream.data(1, "d");
    stream.exit();
    const chunks: string[] = [];
    for await (const { channel, bytes } of command) chunks.push(`${channel} ${Buffer.from(bytes)}`);
    expect(chunks).toEqual(["stdout ab", "stderr c", "stdout d"]);
  });

  test("can be read as two streams, in any order, after the end", async () => {
    const { command, stream } = await spawned();
    stream.data(1, "out");
    stream.data(2, "err");
    stream.exit();
    await command.gone;
    expect(await readAll(command.stderr)).toBe("err");
    expect(await readAll(command.stdout)).toBe("out");
    expect(command.stdout).toBe(command.stdout);
  });

  test("that nobody reads waits in the sandbox, and does not hold the exit back", async () => {
    const { command, stream, warden } = await spawned();
    expect(stream.data(1, Buffer.alloc(1_000_000))).toBe(INITIAL_CREDIT_BYTES);
    await settle();
    expect(warden.all("credit")).toHaveLength(0);
    stream.exited({ code: 5 });
    expect(await command.exited).toMatchObject({ exitCode: 5, timedOut: false });
    expect(await settled(command.gone)).toBe(false);
  });

  test.each(["ordered", "separate"])("is granted again as it is read: %s", async (how) => {
    const { command, stream } = await spawned();
    const size = 3_000_000;
    const all = Buffer.alloc(size, Buffer.from(Array.from({ length: 253 }, (_, index) => index)));
    let sent = 0;
    const pump = () => {
      sent += stream.data(1, all.subarray(sent));
      if (sent === size && !stream.over) stream.exit();
    };
    stream.onMessage = pump;
    pump();
    const pieces: Uint8Array[] = [];
    if (how === "ordered") for await (const { bytes } of command) pieces.push(bytes);
    else {
      const reader = command.stdout.getReader();
      for (let next = await reader.read(); !next.done; next = await reader.read()) pieces.push(next.value);
    }
    expect(Buffer.concat(pieces).equals(all)).toBe(true);
  });

  test("byte by byte is joined while nobody reads", async () => {
    const { command, stream } = await spawned();
    for (let i = 0; i < 50_000; i++) stream.data(1, "x");
    stream.exit();
    await command.gone;
    const chunks: OutputChunk[] = [];
    for await (const chunk of command) chunks.push(chunk);
    expect(chunks).toHaveLength(1);
  });

  test("is owned by whoever reads it: a piece shares no memory with another", async () => {
    const { command, stream } = await spawned();
    stream.data(1, "abc");
    stream.data(2, "def");
    stream.exit();
    const buffers = new Set<ArrayBufferLike>();
    for await (const { bytes } of command) {
      expect(bytes.buffer.byteLength).toBe(bytes.length);
      buffers.add(bytes.buffer);
    }
    expect(buffers.size).toBe(2);
  });

  test.each<[string, (command: Command) => unknown, (command: Command) => unknown]>([
    ["streams after an iteration", (command) => command[Symbol.asyncIterator](), (command) => command.stdout],
    ["an iteration after streams", (command) => command.stderr, (command) => command[Symbol.asyncIterator]()],
    ["two iterations", (command) => command[Symbol.asyncIterator](), (command) => command[Symbol.asyncIterator]()],
  ])("cannot be read twice: %s", async (_what, first, second) => {
    const { command } = await spawned();
    first(command);
    expect(() => second(command)).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
  });

  test("is discarded at the source by whoever stops to read it", async () => {
    const iterated = await spawned();
    iterated.stream.data(1, "x");
    for await (const _chunk of iterated.command) break;
    await settle();
    expect(iterated.warden.all("discard").map(({ channel }) => channel)).toEqual([1, 2]);

    const cancelled = await spawned();
    cancelled.stream.data(1, "x");
    await cancelled.command.stdout.cancel();
    await settle();
    expect(cancelled.warden.all("discard").map(({ channel }) => channel)).toEqual([1]);
    cancelled.stream.data(2, "err");
    cancelled.stream.exit();
    expect(await readAll(cancelled.command.stderr)).toBe("err");
    await cancelled.command.gone;
  });

  test("fails with the link, after what had come", async () => {
    const { command, stream, context } = await spawned();
    stream.data(1, "half");
    await settle();
    context.link.close(lost("the test says so"));
    const chunks: string[] = [];
    const reading = (async () => {
      for await (const { bytes } of command) chunks.push(Buffer.from(bytes).toString());
    })();
    expect((await failure(reading)).code).toBe("LINK_LOST");
    expect(chunks).toEqual(["half"]);
    expect((await failure(command.exited)).code).toBe("LINK_LOST");
    expect((await failure(command.gone)).code).toBe("LINK_LOST");
    await command.kill();
  });

  test("a reader that waits is told of the end of the link", async () => {
    const { command, context } = await spawned();
    const out = failure(readAll(command.stdout));
    const err = failure(readAll(command.stderr));
    await settle();
    context.link.close(lost("the test says so"));
    expect((await out).code).toBe("LINK_LOST");
    expect((await err).code).toBe("LINK_LOST");
  });
});

describe("command control", () => {
  test("kill() settles when nothing is left, unread output or not", async () => {
    const { command, stream, warden } = await spawned();
    stream.data(1, Buffer.alloc(INITIAL_CREDIT_BYTES));
    await command.kill();
    expect(warden.streams.size).toBe(0);
    await command.kill();
  });

  test("await using kills", async () => {
    const { command, warden } = await spawned();
    {
      await using running = command;
      expect(running.pid).toBe(9);
    }
    expect(warden.all("kill")).toHaveLength(1);
    expect(warden.streams.size).toBe(0);
  });

  test("kill() after the exit reaches what was left running", async () => {
    const { command, stream } = await spawned();
    stream.onKill = () => void stream.gone();
    stream.exited().end(1).end(2);
    await command.exited;
    expect(await settled(command.gone)).toBe(false);
    await command.kill();
    await command.gone;
  });

  test("signal() and resize() are sent, checked", async () => {
    const { command, warden } = await spawned({ pty: true });
    command.signal("SIGINT");
    command.resize({ rows: 10, columns: 20 });
    await settle();
    expect(decodeMessage("signal", warden.all("signal")[0]?.payload ?? Buffer.alloc(0)).signal).toBe(2);
    expect(decodeMessage("resize", warden.all("resize")[0]?.payload ?? Buffer.alloc(0))).toEqual({
      rows: 10,
      columns: 20,
    });
    expect(() => command.signal("INT")).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
    expect(() => command.resize({ rows: 0, columns: 1 })).toThrow(
      expect.objectContaining({ code: "ARGUMENT_INVALID" }),
    );
  });

  test("stdin writes in order and ends; without a pipe it takes nothing", async () => {
    const { command, stream } = await spawned({ stdin: "pipe" });
    void command.stdin.write("a");
    void command.stdin.write(Buffer.from("b"));
    command.stdin.end();
    await settle();
    expect([stream.input.toString(), stream.inputEnded]).toEqual(["ab", true]);
    expect(await command.stdin.write("c")).toBe(false);
    expect((await failure(command.stdin.write(1 as never))).code).toBe("ARGUMENT_INVALID");

    const without = await spawned();
    expect(await without.command.stdin.write("x")).toBe(false);
    without.command.stdin.end();
    await settle();
    expect(without.warden.all("end")).toHaveLength(0);
  });
});
