import { Duplex, PassThrough } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { closePayload, FrameProblem, OPCODES, writeFrame } from "../../src/egress/websocket/frames.ts";
import { readMessages, type SocketEvent } from "../../src/egress/websocket/messages.ts";

async function read(chunks: readonly Buffer[], isMasked = false): Promise<SocketEvent[]> {
  const readable = new PassThrough();
  const stream = Duplex.from({ readable, writable: new PassThrough() });
  void (async () => {
    for (const chunk of chunks) {
      readable.write(chunk);
      await new Promise((resolve) => setImmediate(resolve));
    }
    readable.end();
  })();
  const events: SocketEvent[] = [];
  for await (const event of readMessages(stream, isMasked)) events.push(event);
  return events;
}

const code = (chunks: readonly Buffer[], isMasked = false) => {
  return read(chunks, isMasked).then(
    (events) => events.map(({ kind }) => kind).join(),
    (error: unknown) => (error instanceof FrameProblem ? error.code : error),
  );
};

/** A frame with the first byte as given. */
const raw = (first: number, payload: string | Buffer = "", isMasked = false) => {
  const frame = writeFrame(OPCODES.text, Buffer.from(payload), isMasked);
  frame[0] = first;
  return frame;
};

describe("readMessages()", () => {
  test("reads what was written, in whatever pieces it comes and however it was cut into frames", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 300 }),
            fc.constantFrom(0, 125, 126, 127, 65_535, 65_536).map((size) => new Uint8Array(size).fill(7)),
          ),
          { minLength: 1, maxLength: 3 },
        ),
        fc.boolean(),
        fc.integer({ min: 20, max: 70_000 }),
        fc.integer({ min: 1000, max: 70_000 }),
        async (messages, isMasked, frameSize, chunkSize) => {
          const frames = messages.flatMap((message) => {
            const parts: Buffer[] = [];
            for (let at = 0; at === 0 || at < message.length; at += frameSize) {
              const isLast = at + frameSize >= message.length;
              const frame = writeFrame(at === 0 ? OPCODES.binary : 0, message.subarray(at, at + frameSize), isMasked);
              if (!isLast) frame[0] = (frame[0] ?? 0) & 0x7f;
              parts.push(frame);
            }
            return parts;
          });
          const bytes = Buffer.concat(frames);
          const chunks: Buffer[] = [];
          for (let at = 0; at < bytes.length; at += chunkSize) chunks.push(bytes.subarray(at, at + chunkSize));
          const events = await read(chunks, isMasked);
          expect(events.map(({ kind }) => kind)).toEqual(messages.map(() => "binary"));
          expect(Buffer.concat(events.map((event) => event.bytes)).equals(Buffer.concat(messages))).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });

  test("lets control frames come between the frames of a message", async () => {
    const events = await read([
      raw(0x01, "he"),
      raw(0x89, "ping"),
      raw(0x80, "llo"),
      raw(0x8a),
      writeFrame(OPCODES.close, closePayload(1000), false),
    ]);
    expect(events.map((event) => [event.kind, event.bytes.toString("latin1")])).toEqual([
      ["ping", "ping"],
      ["text", "hello"],
      ["pong", ""],
      ["close", "\x03\xe8"],
    ]);
  });

  test("takes a text that is cut inside a character", async () => {
    const text = Buffer.from("ä€");
    expect(
      await read([raw(0x01, text.subarray(0, 1)), raw(0x00, text.subarray(1, 3)), raw(0x80, text.subarray(3))]),
    ).toMatchObject([{ kind: "text", text: "ä€" }]);
  });

  test.each<[string, Buffer, number]>([
    ["an extension that nobody agreed on", raw(0xc1, "x"), 1002],
    ["a kind that is reserved", raw(0x83, "x"), 1002],
    ["a control of a kind that is reserved", raw(0x8b, "x"), 1002],
    ["a control in pieces", raw(0x09, "x"), 1002],
    ["a long control", raw(0x89, "x".repeat(126)), 1002],
    ["the rest of no message", raw(0x80, "x"), 1002],
    ["a message inside another", Buffer.concat([raw(0x01, "x"), raw(0x81, "y")]), 1002],
    ["a length in too many bytes", Buffer.from("817e000178", "hex"), 1002],
    ["a length in far too many bytes", Buffer.from("817f000000000000000178", "hex"), 1002],
    ["a length past all bounds", Buffer.from("817fffffffffffffffff", "hex"), 1009],
    ["a message that is too long", raw(0x82, Buffer.alloc(1_048_577)), 1009],
    [
      "a message that is too long in its pieces",
      Buffer.concat([raw(0x02, Buffer.alloc(600_000)), raw(0x80, Buffer.alloc(600_000))]),
      1009,
    ],
    [
      "a message in too many pieces",
      Buffer.concat([raw(0x02), ...Array.from({ length: 16_400 }, () => raw(0x00))]),
      1009,
    ],
    ["a text that is no UTF-8", raw(0x81, Buffer.from([0xff])), 1007],
    ["a mask that only clients have", raw(0x81, "x", true), 1002],
  ])("ends at %s", async (_, bytes, expected) => {
    expect(await code([bytes])).toBe(expected);
  });

  test("ends at a client that does not mask", async () => {
    expect(await code([raw(0x81, "x")], true)).toBe(1002);
    expect(await code([raw(0x81, "x", true)], true)).toBe("text");
  });

  test("reads what comes a byte at a time", async () => {
    const readable = new PassThrough();
    const stream = Duplex.from({ readable, writable: new PassThrough() });
    const events = readMessages(stream, true);
    const bytes = writeFrame(OPCODES.text, Buffer.from("ab".repeat(2000)), true);
    for (let at = 0; at < bytes.length; at++) readable.write(bytes.subarray(at, at + 1));
    expect((await events.next()).value).toMatchObject({ kind: "text", text: "ab".repeat(2000) });
  });

  test("gives nothing of what is not whole", async () => {
    expect(await read([raw(0x81, "hello").subarray(0, 5)])).toEqual([]);
    expect(await read([raw(0x01, "hello")])).toEqual([]);
  });
});
