import { describe, expect, test } from "vitest";
import { encodeMessage } from "../../src/link/codec.ts";
import { lost } from "../../src/link/link.ts";
import { LinkProcess } from "../../src/link/process.ts";
import { INITIAL_CREDIT_BYTES } from "../../src/link/protocol.ts";
import type { FakeStream, FakeWardenScript } from "./fake-warden.ts";
import { ready, settle, settled } from "./support.ts";

const EXEC = {
  flags: 2,
  rows: 24,
  columns: 80,
  timeoutMs: 0,
  cwd: Buffer.from("/"),
  argv: [Buffer.from("x")],
  env: [],
};

async function start(script: FakeWardenScript = {}) {
  const { link, warden } = await ready(script);
  const heard: string[] = [];
  const got = { stdout: 0, stderr: 0 };
  const sink = (channel: "stdout" | "stderr") => ({
    onData: (data: Buffer) => {
      got[channel] += data.length;
    },
    onEnd: () => heard.push(`end ${channel}`),
  });
  const process = await LinkProcess.open(
    link,
    () => ({
      stdout: sink("stdout"),
      stderr: sink("stderr"),
      onStarted: (pid) => heard.push(`started ${pid}`),
      onExited: ({ code }) => heard.push(`exited ${code}`),
      onFailed: ({ errno }) => heard.push(`failed ${errno}`),
      onGone: () => heard.push("gone"),
      onLost: ({ code }) => heard.push(`lost ${code}`),
    }),
    (stream) => encodeMessage("exec", EXEC, stream),
  );
  await settle(1);
  const stream = warden.streams.get(1) as FakeStream;
  return { link, warden, process, stream, heard, got };
}

describe("output credit", () => {
  test("is granted as the reader takes, in halves", async () => {
    const { process, stream, warden, got } = await start();
    stream.started();
    expect(stream.data(1, Buffer.alloc(1_000_000))).toBe(INITIAL_CREDIT_BYTES);
    await settle();
    expect(got.stdout).toBe(INITIAL_CREDIT_BYTES);
    expect(warden.all("credit")).toHaveLength(0);
    process.taken(1, INITIAL_CREDIT_BYTES / 2 - 1);
    await settle(1);
    expect(warden.all("credit")).toHaveLength(0);
    process.taken(1, 1);
    await settle(1);
    expect(stream.credit[1]).toBe(INITIAL_CREDIT_BYTES / 2);
    expect(stream.data(1, Buffer.alloc(1_000_000))).toBe(INITIAL_CREDIT_BYTES / 2);
    await settle();
    expect(await settled(process.write(Buffer.alloc(1)))).toBe(true);
  });

  test("belongs to each channel", async () => {
    const { stream, got, link } = await start();
    stream.started();
    stream.data(1, Buffer.alloc(INITIAL_CREDIT_BYTES));
    stream.data(2, Buffer.alloc(INITIAL_CREDIT_BYTES));
    await settle();
    expect(got).toEqual({ stdout: INITIAL_CREDIT_BYTES, stderr: INITIAL_CREDIT_BYTES });
    expect(await settled(link.closed)).toBe(false);
  });

  test("is not granted after a discard, and what was under way is dropped", async () => {
    const { process, stream, warden, got } = await start();
    stream.started();
    stream.data(1, Buffer.alloc(100));
    await settle();
    process.discard(1);
    process.discard(1);
    stream.data(1, Buffer.alloc(INITIAL_CREDIT_BYTES - 100));
    await settle();
    process.taken(1, INITIAL_CREDIT_BYTES);
    await settle();
    expect(got.stdout).toBe(100);
    expect(warden.all("discard")).toHaveLength(1);
    expect(warden.all("credit")).toHaveLength(0);
  });
});

describe("write()", () => {
  test("sends as much as was granted, and the rest when more is", async () => {
    const { process, stream } = await start();
    stream.reads = false;
    const data = Buffer.from(Array.from({ length: 600_000 }, (_, index) => index % 251));
    const written = process.write(data);
    expect(await settled(written)).toBe(false);
    expect(stream.input).toHaveLength(INITIAL_CREDIT_BYTES);
    stream.grant(100_000);
    await settle();
    expect(stream.input).toHaveLength(INITIAL_CREDIT_BYTES + 100_000);
    stream.reads = true;
    stream.grant(INITIAL_CREDIT_BYTES);
    expect(await written).toBe(true);
    await settle();
    expect(stream.input.equals(data)).toBe(true);
  });

  test("keeps the order of writes that nobody waited for, and ends after them", async () => {
    const { process, stream } = await start();
    stream.reads = false;
    const first = Buffer.alloc(INITIAL_CREDIT_BYTES + 70_000, "a");
    const writes = [process.write(first), process.write(Buffer.from("b")), process.write(Buffer.from("c"))];
    process.endInput();
    expect(await process.write(Buffer.from("too late"))).toBe(false);
    await settle();
    expect(stream.inputEnded).toBe(false);
    stream.reads = true;
    stream.grant(INITIAL_CREDIT_BYTES);
    expect(await Promise.all(writes)).toEqual([true, true, true]);
    await settle();
    expect(stream.input.subarray(first.length).toString()).toBe("bc");
    expect(stream.inputEnded).toBe(true);
  });

  test("pauses while the link is congested, and control frames go on", async () => {
    const { process, stream, warden, link } = await start();
    warden.stall();
    expect(await process.write(Buffer.alloc(100_000))).toBe(true);
    await settle();
    const written = process.write(Buffer.alloc(100_000));
    expect(await settled(written)).toBe(false);
    expect(link.congested).toBe(true);
    process.signal(15);
    await settle();
    warden.resume();
    expect(await written).toBe(true);
    await settle();
    expect(stream.input).toHaveLength(200_000);
    expect(warden.all("signal")).toHaveLength(1);
  });

  test.each<[string, (stream: FakeStream) => void, string]>([
    ["exits", (stream) => void stream.started().exited(), "exited 0"],
    ["fails", (stream) => void stream.failed(16, 2), "failed 2"],
    ["is lost", (stream) => stream.warden.die(), "lost LINK_LOST"],
  ])("gives up when the process %s", async (_what, end, last) => {
    const { process, stream, heard } = await start();
    stream.reads = false;
    const written = process.write(Buffer.alloc(INITIAL_CREDIT_BYTES * 2));
    await settle();
    end(stream);
    expect(await written).toBe(false);
    expect(heard).toContain(last);
    expect(await process.write(Buffer.from("x"))).toBe(false);
    process.endInput();
  });

  test("gives up when the link ends while it is congested", async () => {
    const { process, warden, link } = await start();
    warden.stall();
    const written = process.write(Buffer.alloc(1_000_000));
    await settle();
    link.close(lost("the test says so"));
    expect(await written).toBe(false);
  });
});

describe("life", () => {
  test("is told in order, and what comes too late is ignored", async () => {
    const { process, stream, heard, warden } = await start();
    stream.started(7);
    stream.exit({ code: 3 });
    await settle();
    expect(heard).toEqual(["started 7", "exited 3", "end stdout", "end stderr", "gone"]);
    const before = warden.received.length;
    process.kill();
    process.signal(15);
    process.resize(1, 1);
    process.taken(1, INITIAL_CREDIT_BYTES);
    process.endInput();
    await settle();
    expect(warden.received.length).toBe(before);
  });

  test("may end before it began: killed while it was opening", async () => {
    const { process, heard } = await start();
    process.kill();
    await settle();
    expect(heard).toEqual(["exited 0", "end stdout", "end stderr", "gone"]);
  });

  test("takes the early end of a terminal's error output, and a failure after it", async () => {
    const { stream, heard } = await start();
    stream.end(2).failed(15, 2);
    await settle();
    expect(heard).toEqual(["end stderr", "failed 2", "gone"]);
  });

  test("kill() does not wait for a reader", async () => {
    const { process, stream, warden, heard } = await start();
    stream.started();
    stream.onKill = () => undefined;
    stream.data(1, Buffer.alloc(INITIAL_CREDIT_BYTES));
    await settle();
    process.kill();
    await settle();
    expect(warden.all("kill")).toHaveLength(1);
    expect(warden.all("discard").map(({ channel }) => channel)).toEqual([1, 2]);
    stream.exit({ signal: 9 });
    await settle();
    expect(heard.at(-1)).toBe("gone");
  });
});
