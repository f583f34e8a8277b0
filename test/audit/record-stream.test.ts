import { describe, expect, test } from "vitest";
import type { AuditRecord } from "../../src/audit/record.ts";
import type { StreamedRecord } from "../../src/audit/record-reader.ts";
import { createRecordStream, type RecordStream } from "../../src/audit/record-stream.ts";
import { record } from "./support.ts";

async function collect(stream: AsyncIterable<StreamedRecord>): Promise<(number | string)[]> {
  const seen: (number | string)[] = [];
  for await (const each of stream) seen.push(each.kind === "dropped" ? `${each.count} dropped` : each.sequence);
  return seen;
}

function push(stream: RecordStream, ...sequences: number[]): void {
  for (const sequence of sequences) stream.push(record(sequence));
}

const value = async (reader: AsyncIterator<StreamedRecord>): Promise<unknown> => {
  const { value } = await reader.next();
  return value?.kind === "dropped" ? `${value.count} dropped` : value?.sequence;
};

describe("createRecordStream()", () => {
  test("gives every reader every record from its beginning on", async () => {
    const stream = createRecordStream();
    const first = stream[Symbol.asyncIterator]();
    push(stream, 1, 2);
    const second = stream[Symbol.asyncIterator]();
    push(stream, 3);
    stream.close();
    push(stream, 4);
    expect(await collect(first)).toEqual([1, 2, 3]);
    expect(await collect(second)).toEqual([3]);
    expect(await collect(stream)).toEqual([]);
  });

  test("wakes readers that wait, in order", async () => {
    const stream = createRecordStream();
    const reader = stream[Symbol.asyncIterator]();
    const waiting = [value(reader), value(reader), value(reader)];
    push(stream, 1, 2);
    stream.close();
    expect(await Promise.all(waiting)).toEqual([1, 2, undefined]);
  });

  test("counts what a slow reader missed, in the place of what it missed", async () => {
    const stream = createRecordStream({ backlog: 2 });
    const slow = stream[Symbol.asyncIterator]();
    const fast = stream[Symbol.asyncIterator]();
    const fastSaw: unknown[] = [];
    for (let each = 1; each <= 5; each++) {
      push(stream, each);
      fastSaw.push(await value(fast));
    }
    expect(fastSaw).toEqual([1, 2, 3, 4, 5]);
    expect(await value(slow)).toBe(1);
    push(stream, 6);
    expect(await value(slow)).toBe(2);
    push(stream, 7, 8);
    expect([await value(slow), await value(slow), await value(slow)]).toEqual(["4 dropped", 7, "1 dropped"]);
    push(stream, 9);
    expect(await value(slow)).toBe(9);
    await slow.return?.();
  });

  test("forgets a reader that leaves", async () => {
    const stream = createRecordStream();
    const reader = stream[Symbol.asyncIterator]();
    push(stream, 1);
    for await (const _ of reader) break;
    push(stream, 2);
    expect(await collect(reader)).toEqual([]);
  });

  test("keeps the newest records", () => {
    const stream = createRecordStream({ capacity: 3 });
    const kept = () => stream.recent().map(({ sequence }) => sequence);
    expect(kept()).toEqual([]);
    push(stream, 1, 2, 3);
    expect([kept(), stream.forgotten]).toEqual([[1, 2, 3], 0]);
    push(stream, 4, 5);
    expect([kept(), stream.forgotten]).toEqual([[3, 4, 5], 2]);
    push(stream, ...Array.from({ length: 100 }, (_, index) => index + 6));
    expect([kept(), stream.forgotten]).toEqual([[103, 104, 105], 102]);
    const none = createRecordStream({ capacity: 0 });
    push(none, 1);
    expect([none.recent(), none.forgotten]).toEqual([[], 1]);
  });

  test("keeps no more of them than their texts allow: a program chooses its arguments", () => {
    const stream = createRecordStream({ maxLength: 100_000 });
    const long = (sequence: number, argument: string): AuditRecord => ({
      ...record(sequence),
      ...{ kind: "command.start", pid: 1, argv: ["sh", argument] },
    });
    const kept = () => stream.recent().map(({ sequence }) => sequence);
    for (let each = 1; each <= 50; each++) stream.push(long(each, "x".repeat(30_000)));
    expect([kept(), stream.forgotten]).toEqual([[48, 49, 50], 47]);
    for (let each = 51; each <= 60; each++) stream.push(long(each, "short"));
    expect(kept()).toHaveLength(13);
    stream.push(long(61, "x".repeat(200_000)));
    expect([kept(), stream.forgotten]).toEqual([[61], 60]);
  });
});
