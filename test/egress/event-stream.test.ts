import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readEvents, type ServerEvent, writeEvent } from "../../src/egress/http/event-stream.ts";

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string | Buffer, size = 7): Promise<ServerEvent[]> {
  const events: ServerEvent[] = [];
  for await (const event of readEvents(pieces(Buffer.from(text as string), size))) events.push(event);
  return events;
}

describe("readEvents()", () => {
  test.each<[string, string, ServerEvent[]]>([
    ["data", "data: a\n\n", [{ data: "a" }]],
    ["data without a space", "data:a\n\n", [{ data: "a" }]],
    ["data with two spaces", "data:  a\n\n", [{ data: " a" }]],
    ["lines of data", "data: a\ndata\ndata: b\n\n", [{ data: "a\n\nb" }]],
    ["every field", "event: e\nid: 1\nretry: 50\ndata: a\n\n", [{ event: "e", id: "1", retry: "50", data: "a" }]],
    ["the last of two types", "event: a\nevent: b\ndata: x\n\n", [{ event: "b", data: "x" }]],
    ["carriage returns", "data: a\r\rdata: b\r\n\r\n", [{ data: "a" }, { data: "b" }]],
    ["mixed ends of lines", "data: a\r\ndata: b\rdata: c\n\r\n", [{ data: "a\nb\nc" }]],
    ["a comment that keeps alive", ": ping\n\n", [{ comment: " ping" }]],
    ["a comment inside an event", "data: a\n: x\ndata: b\n\n", [{ data: "a\nb" }]],
    ["fields that nobody knows", "dataa: x\nDATA: y\ndata: z\n\n", [{ data: "z" }]],
    ["a byte order mark", "\ufeffdata: a\n\n", [{ data: "a" }]],
    ["what no empty line ends", "data: a\n", []],
    ["a retry that is no number", "retry: 5x\ndata: a\n\n", [{ data: "a" }]],
    ["an id with a NUL", "id: a\0\ndata: a\n\n", [{ data: "a" }]],
  ])("reads %s, in whatever pieces", async (_, text, events) => {
    for (const size of [1, 2, 3, 1000]) expect(await read(text, size)).toEqual(events);
  });

  test("reads what writeEvent() wrote", async () => {
    const line = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll(/[\r\n\0]/g, ""));
    const event = fc.record(
      { event: line, data: fc.array(line, { minLength: 1 }).map((lines) => lines.join("\n")), id: line },
      { requiredKeys: ["data"] },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event), fc.integer({ min: 1, max: 50 }), async (events, size) => {
        expect(await read(events.map(writeEvent).join(""), size)).toEqual(events);
      }),
    );
  });

  test("gives an event before the next one is there", async () => {
    let more: (() => void) | undefined;
    async function* source(): AsyncGenerator<Buffer> {
      yield Buffer.from("data: one\n\n");
      await new Promise<void>((resolve) => {
        more = resolve;
      });
      yield Buffer.from("data: two\n\n");
    }
    const events = readEvents(source());
    expect((await events.next()).value).toEqual({ data: "one" });
    const next = events.next();
    await new Promise((resolve) => setImmediate(resolve));
    more?.();
    expect((await next).value).toEqual({ data: "two" });
  });

  test("ends at bytes that are no UTF-8, and at an event without end", async () => {
    await expect(read(Buffer.from([0x64, 0xff, 0x0a]))).rejects.toThrow();
    await expect(read(`data: ${"x".repeat(9_000_000)}`, 1_000_000)).rejects.toThrow(/more than/);
    await expect(read(`data: ${"x".repeat(1_000_000)}\n`.repeat(9), 1_000_000)).rejects.toThrow(/more than/);
  });
});
