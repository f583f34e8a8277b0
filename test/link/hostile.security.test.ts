import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SandboxError } from "../../src/errors.ts";
import { encodeMessage, frame } from "../../src/link/codec.ts";
import { Link, lost } from "../../src/link/link.ts";
import { LinkProcess } from "../../src/link/process.ts";
import {
  CODES,
  INITIAL_CREDIT_BYTES,
  MAX_DATA_BYTES,
  MAX_PAYLOAD_BYTES,
  MESSAGES,
  RAW_FRAMES,
} from "../../src/link/protocol.ts";
import { FakeWarden, HELLO } from "./fake-warden.ts";
import { CONFIG, pair, ready, settle } from "./support.ts";

const EXEC = {
  flags: 2,
  rows: 24,
  columns: 80,
  timeoutMs: 0,
  cwd: Buffer.from("/"),
  argv: [Buffer.from("x")],
  env: [],
};
const EMPTY = new Uint8Array(0);
const QUESTION = {
  question: 1,
  stream: 1,
  pid: 2,
  action: CODES.action.read,
  verdict: CODES.verdict.ask,
  rule: 0,
  path: Buffer.from("/x"),
  target: EMPTY,
  binary: EMPTY,
};
const { data, end } = RAW_FRAMES;

/** A link with stream 1 open, and what its owner is told last. */
async function withStream() {
  const both = await ready();
  const told: { error?: SandboxError; last: string } = { last: "nothing" };
  const sink = { onData: () => undefined, onEnd: () => undefined };
  await LinkProcess.open(
    both.link,
    () => ({
      stdout: sink,
      stderr: sink,
      onStarted: () => undefined,
      onExited: () => undefined,
      onFailed: () => undefined,
      onGone: () => {
        told.last = "gone";
      },
      onLost: (error) => {
        told.error = error;
        told.last = "lost";
      },
    }),
    (stream) => encodeMessage("exec", EXEC, stream),
  );
  await settle(1);
  return { ...both, told };
}

const started = encodeMessage("started", { pid: 1 }, 1);
const exited = encodeMessage("exited", { code: 0, signal: 0, flags: 0 }, 1);
const failed = encodeMessage("failed", { stage: 16, errno: 2 }, 1);
const gone = encodeMessage("gone", {}, 1);
const ends = [frame(end, 1, 1, EMPTY), frame(end, 2, 1, EMPTY)];
const header = (length: number, type: number, reserved = 0): Buffer => {
  const bytes = frame(type, 1, 1, EMPTY);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt16LE(reserved, 6);
  return bytes;
};

describe("a hostile warden ends the link with PROTOCOL_VIOLATION", () => {
  test.each<[string, readonly Buffer[]]>([
    ["an unknown type on a stream", [frame(0x7f, 0, 1, EMPTY)]],
    ["an unknown type on the sandbox", [frame(0x7f, 0, 0, EMPTY)]],
    ["a message for wardens on a stream", [encodeMessage("kill", {}, 1)]],
    ["a message for wardens on the sandbox", [encodeMessage("start", {})]],
    ["a stream that is not open", [encodeMessage("started", { pid: 1 }, 3)]],
    ["a stream of even number", [frame(data, 1, 2, Buffer.from("x"))]],
    ["a stream after it has gone", [started, exited, ...ends, gone, started]],
    ["data for the sandbox", [frame(data, 1, 0, Buffer.from("x"))]],
    ["an end for the sandbox", [frame(end, 1, 0, EMPTY)]],
    ["data on the input channel", [frame(data, 0, 1, Buffer.from("x"))]],
    ["data on channel 3", [frame(data, 3, 1, Buffer.from("x"))]],
    ["an end of channel 255", [frame(end, 255, 1, EMPTY)]],
    ["an end with data", [frame(end, 1, 1, Buffer.from("x"))]],
    ["data without bytes", [frame(data, 1, 1, EMPTY)]],
    ["data that is too long", [frame(data, 1, 1, Buffer.alloc(MAX_DATA_BYTES + 1))]],
    [
      "more data than credit",
      Array.from({ length: 5 }, () => frame(data, 1, 1, Buffer.alloc(INITIAL_CREDIT_BYTES / 4))),
    ],
    ["data after its end", [ends[0] as Buffer, frame(data, 1, 1, Buffer.from("x"))]],
    ["a channel that ends twice", [ends[0] as Buffer, ends[0] as Buffer]],
    ["started twice", [started, started]],
    ["started after exited", [exited, started]],
    ["exited twice", [started, exited, exited]],
    ["failed after exited", [started, exited, failed]],
    ["failed twice", [failed, failed]],
    ["exited after failed", [failed, exited]],
    ["data after failed", [failed, frame(data, 1, 1, Buffer.from("x"))]],
    ["an end after failed", [failed, ends[0] as Buffer]],
    ["gone before anything", [gone]],
    ["gone before exited", [started, ...ends, gone]],
    ["gone before the ends", [started, exited, ends[0] as Buffer, gone]],
    ["gone with a payload", [failed, frame(MESSAGES.gone.id, 0, 1, Buffer.from("x"))]],
    ["a control message on a channel", [encodeMessage("started", { pid: 1 }, 1, 1)]],
    ["a control message of the sandbox on a channel", [encodeMessage("pong", { nonce: 1 }, 0, 2)]],
    ["a grant of nothing", [encodeMessage("granted", { bytes: 0 }, 1)]],
    ["a grant of what was not sent", [encodeMessage("granted", { bytes: 1 }, 1)]],
    ["a grant on an output channel", [encodeMessage("granted", { bytes: 1 }, 1, 1)]],
    ["a message that is too short", [frame(MESSAGES.exited.id, 0, 1, Buffer.alloc(11))]],
    ["a message that is too long", [frame(MESSAGES.exited.id, 0, 1, Buffer.alloc(13))]],
    ["a second hello", [encodeMessage("hello", HELLO)]],
    ["a second ready", [encodeMessage("ready", { rules: 0, skipped: 0 })]],
    ["a late fatal", [encodeMessage("fatal", { stage: 1, errno: 1, subject: EMPTY })]],
    ["a question that is cut", [frame(MESSAGES.program.id, 0, 0, Buffer.alloc(30))]],
    ["a pong that nobody asked for", [encodeMessage("pong", { nonce: 7 })]],
    ["a frame that announces too much", [header(MAX_PAYLOAD_BYTES + 1, data)]],
    ["a frame that announces all memory", [header(0xffff_ffff, data)]],
    ["reserved bytes that are set", [header(0, end, 1)]],
  ])("%s", async (_what, frames) => {
    const { link, warden, told } = await withStream();
    for (const bytes of frames) warden.raw(bytes);
    expect((await link.closed).code).toBe("PROTOCOL_VIOLATION");
    if (told.last === "lost") expect(told.error?.code).toBe("PROTOCOL_VIOLATION");
  });

  test.each<[string, Buffer]>([
    ["ready before hello", encodeMessage("ready", { rules: 0, skipped: 0 })],
    ["a stream before ready", started],
    ["a question before ready", encodeMessage("access", QUESTION)],
    ["a decision before ready", frame(MESSAGES.decided.id, 0, 0, Buffer.alloc(0))],
    ["a list that claims too much", frame(MESSAGES.hello.id, 0, 0, Buffer.alloc(20, 0xff))],
  ])("during the handshake: %s", async (_what, bytes) => {
    const { link, warden } = pair({ answersStart: false });
    const facts = link.configure(CONFIG, []).catch((error: SandboxError) => error.code);
    warden.raw(bytes);
    expect(await facts).toBe("PROTOCOL_VIOLATION");
    expect((await link.closed).code).toBe("PROTOCOL_VIOLATION");
  });
});

test("a decision on a link that is opened ahead, and is nobody's yet", async () => {
  const warden = new FakeWarden();
  const link = new Link({ input: warden.input, output: warden.output, heartbeatMs: 10_000 });
  warden.send("hello", HELLO);
  await link.configure(CONFIG, []);
  warden.raw(encodeMessage("access", QUESTION));
  expect((await link.closed).code).toBe("PROTOCOL_VIOLATION");
});

describe("whatever comes", () => {
  /** Ends the link, if the bytes have not, and says how it ended. */
  async function outcome(bytes: readonly Buffer[]): Promise<string> {
    const { link, warden, told } = await withStream();
    for (const chunk of bytes) warden.raw(chunk);
    await settle(2);
    link.close(lost("the test is over"));
    const { code } = await link.closed;
    expect(["gone", "lost"]).toContain(told.last);
    return code;
  }

  const OUTCOMES = ["PROTOCOL_VIOLATION", "LINK_LOST"];
  const cut = (bytes: Buffer, at: number): Buffer[] => [bytes.subarray(0, at), bytes.subarray(at)];

  test("random bytes are refused, or wait for more", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), async (chunks) => {
        expect(OUTCOMES).toContain(
          await outcome(chunks.filter((each) => each.length > 0).map((each) => Buffer.from(each))),
        );
      }),
      { numRuns: 300 },
    );
  });

  const anyFrame = fc
    .record({
      type: fc.constantFrom<number>(...Object.values(MESSAGES).map(({ id }) => id), data, end, 0, 0xff),
      channel: fc.constantFrom(0, 0, 1, 2, 3),
      stream: fc.constantFrom(0, 1, 1, 1, 3),
      payload: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(Buffer.alloc(4)), fc.constant(Buffer.alloc(12))),
    })
    .map(({ type, channel, stream, payload }) => frame(type, channel, stream, payload));

  test("random frames are accepted or refused", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyFrame, { maxLength: 12 }), async (frames) => {
        expect(OUTCOMES).toContain(await outcome(frames));
      }),
      { numRuns: 500 },
    );
  });

  const valid = Buffer.concat([
    started,
    frame(data, 1, 1, Buffer.from("hello")),
    frame(data, 2, 1, Buffer.alloc(1000)),
    exited,
    ...ends,
    gone,
  ]);

  test("valid traffic is accepted however it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(valid.length), fc.nat(valid.length), async (first, second) => {
        const [head, tail] = cut(valid, Math.max(first, second)) as [Buffer, Buffer];
        const chunks = [...cut(head, Math.min(first, second, head.length)), tail].filter((each) => each.length > 0);
        expect(await outcome(chunks)).toBe("LINK_LOST");
      }),
      { numRuns: 200 },
    );
    expect(await outcome([...valid].map((byte) => Buffer.from([byte])))).toBe("LINK_LOST");
  });

  test("mutated traffic is accepted or refused", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(valid.length),
        async (changes, at) => {
          const bytes = Buffer.from(valid);
          for (const [place, value] of changes) bytes[place] = value;
          expect(OUTCOMES).toContain(await outcome(cut(bytes, at).filter((each) => each.length > 0)));
        },
      ),
      { numRuns: 500 },
    );
  });

  test("a hostile subject does not become a long message", async () => {
    const { link, warden } = pair({ answersStart: false });
    const error = link.configure(CONFIG, []).catch((reason: SandboxError) => reason.message);
    warden.send("fatal", { stage: CODES.stage.mount, errno: 1, subject: Buffer.alloc(60_000, "\u001b[31m") });
    expect(await error).toMatch(/^Cannot start the sandbox: mount failed on "\\u001b/);
    expect(((await error) as string).length).toBeLessThan(16_000);
  });
});
