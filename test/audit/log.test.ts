import { describe, expect, test, vi } from "vitest";
import { MAX_LINE_BYTES } from "../../src/audit/line.ts";
import { type AuditLogOptions, createAuditLog } from "../../src/audit/log.ts";
import { createMemorySink } from "../../src/audit/memory.ts";
import type { AuditSink } from "../../src/audit/sink.ts";
import { verifyAuditLog } from "../../src/audit/verify.ts";
import { promised } from "../../src/sandbox/promised.ts";
import { record } from "./support.ts";

function observed(options: Partial<AuditLogOptions> & { readonly sink: AuditSink }) {
  const errors: string[] = [];
  return { errors, log: createAuditLog({ onError: ({ message }) => errors.push(message), ...options }) };
}

describe("createAuditLog()", () => {
  test("writes a first line, the records in order, and a closing line", async () => {
    const sink = createMemorySink();
    const log = createAuditLog({ sink });
    expect(log.head()).toBeUndefined();
    const taken = await Promise.all([log.append(record(1)), log.append(record(2))]);
    expect(taken).toEqual([true, true]);
    const middle = log.head();
    const last = await log.close();
    const lines = sink.lines().map((line) => JSON.parse(line));
    expect(lines.map(({ kind, index }) => [kind, index])).toEqual([
      ["log.open", 0],
      ["sandbox.end", 1],
      ["sandbox.end", 2],
      ["log.close", 3],
    ]);
    expect(lines[0]).toMatchObject({ previous: null, format: 1, chain: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(lines[1]).toMatchObject({ ...record(1), previous: lines[0].hash });
    expect(lines[3]).toMatchObject({ chain: lines[0].chain, head: lines[2].hash, records: 2 });
    expect(middle).toEqual({ chain: lines[0].chain, index: 2, hash: lines[2].hash });
    expect(last).toEqual({ chain: lines[0].chain, index: 3, hash: lines[3].hash });
    expect(await verifyAuditLog(sink.lines())).toMatchObject({ records: 2, complete: true, head: last?.hash });
  });

  test("gives every chain a name of its own", async () => {
    const names = await Promise.all([1, 2].map(() => createAuditLog({ sink: createMemorySink() }).close()));
    expect(new Set(names.map((head) => head?.chain)).size).toBe(2);
  });

  test("gathers what comes while the sink is busy, and writes one batch at a time", async () => {
    const batches: number[] = [];
    const done: (() => void)[] = [];
    const log = createAuditLog({
      sink: {
        write(lines) {
          batches.push(lines.length);
          return new Promise((resolve) => done.push(resolve));
        },
      },
    });
    for (let each = 1; each <= 50; each++) void log.append(record(each));
    await Promise.resolve();
    for (let each = 51; each <= 100; each++) void log.append(record(each));
    const flushed = log.flush();
    await new Promise((resolve) => setImmediate(resolve));
    expect(batches).toEqual([51]);
    done.shift()?.();
    await expect.poll(() => batches).toHaveLength(2);
    done.shift()?.();
    expect(await flushed).toBe(true);
    expect(batches).toEqual([51, 50]);
    const closed = log.close();
    await expect.poll(() => batches).toEqual([51, 50, 1]);
    done.shift()?.();
    expect(await closed).toMatchObject({ index: 101 });
  });

  test("holds the record as it was when it was appended", async () => {
    const sink = createMemorySink();
    const log = createAuditLog({ sink });
    const changing = record(1);
    const taken = log.append(changing);
    Object.assign(changing, { sandbox: "other" });
    await taken;
    expect(JSON.parse(sink.lines()[1] ?? "")).toMatchObject({ sandbox: "5a" });
  });

  test.each([
    ["rejects", () => Promise.reject(new Error("disk full"))],
    [
      "throws",
      () => {
        throw new Error("disk full");
      },
    ],
  ])("is unhealthy for good when the sink %s, and never throws", async (_, failing) => {
    let broken = false;
    const memory = createMemorySink();
    const sink: AuditSink = { write: (lines) => (broken ? failing() : memory.write(lines)) };
    const { log, errors } = observed({ sink });
    expect(await log.append(record(1))).toBe(true);
    const head = log.head();
    broken = true;
    expect(await Promise.all([log.append(record(2)), log.append(record(3))])).toEqual([false, false]);
    broken = false;
    expect(await log.append(record(4))).toBe(false);
    expect(log).toMatchObject({ healthy: false, lost: 3 });
    expect(errors).toEqual(["disk full"]);
    expect(await log.flush()).toBe(false);
    expect(await log.close()).toEqual(head);
    // What was written before is a log with an open end.
    expect(await verifyAuditLog(memory.lines())).toMatchObject({ records: 1, complete: false, head: head?.hash });
  });

  test("gives up on a sink that is too far behind", async () => {
    const stuck = promised<void>();
    const { log, errors } = observed({
      sink: { write: () => stuck.promise },
      maxPendingBytes: 2000,
      closeTimeoutMs: 10,
    });
    await Promise.resolve();
    const outcomes = Array.from({ length: 20 }, (_, index) => log.append(record(index)));
    expect(log).toMatchObject({ healthy: false, lost: 20 });
    expect(await Promise.all(outcomes)).not.toContain(true);
    expect(errors).toEqual(["the audit sink is more than 2000 bytes behind"]);
    stuck.resolve();
    await log.close();
  });

  test("does not wait forever for a sink that hangs when it is closed", async () => {
    const { log, errors } = observed({ sink: { write: () => new Promise(() => undefined) }, closeTimeoutMs: 20 });
    expect(await log.close()).toBeUndefined();
    expect(errors).toEqual(["the audit log did not close within 20 ms"]);
    expect(log.healthy).toBe(false);
  });

  test("counts what comes after it was closed as lost", async () => {
    const log = createAuditLog({ sink: createMemorySink() });
    await log.close();
    expect(await log.append(record(1))).toBe(false);
    expect(log).toMatchObject({ healthy: false, lost: 1 });
  });

  test("closes once, and closes the sink", async () => {
    const close = vi.fn();
    const sink = { ...createMemorySink(), close };
    const log = createAuditLog({ sink });
    expect(await log.close()).toEqual(await log.close());
    await log[Symbol.asyncDispose]();
    expect(close).toHaveBeenCalledOnce();
  });

  test("reports a signature or a sink that cannot be closed, and leaves the end open", async () => {
    const memory = createMemorySink();
    const sign = () => Promise.reject(new Error("no key"));
    const { log, errors } = observed({ sink: memory, sign });
    await log.append(record(1));
    await log.close();
    expect(errors).toEqual(["no key"]);
    expect(await verifyAuditLog(memory.lines())).toMatchObject({ records: 1, complete: false });

    const closing = observed({ sink: { ...createMemorySink(), close: () => Promise.reject(new Error("no sync")) } });
    await closing.log.close();
    expect(closing.errors).toEqual(["no sync"]);
  });

  test("survives a listener that throws", async () => {
    const onError = () => {
      throw new Error("listener");
    };
    const log = createAuditLog({ sink: { write: () => Promise.reject(new Error("disk full")) }, onError });
    expect(await log.append(record(1))).toBe(false);
    await log.close();
  });

  test("shortens what does not fit a line, and marks it", async () => {
    const sink = createMemorySink();
    const log = createAuditLog({ sink });
    const argv = Array.from({ length: 256 }, () => "\u0001".repeat(4096));
    expect(await log.append(record(1, { kind: "command.start", argv, pid: 2 }))).toBe(true);
    await log.close();
    expect(Math.max(...sink.lines().map((line) => line.length))).toBeLessThanOrEqual(MAX_LINE_BYTES);
    const written = JSON.parse(sink.lines()[1] ?? "") as { argv: string[] };
    expect(written.argv).toHaveLength(65);
    expect(written.argv[0]).toMatch(/\[cut: 3072 characters\]$/);
    expect(written.argv.at(-1)).toBe("[cut: 192 items]");
    expect(await verifyAuditLog(sink.lines())).toMatchObject({ records: 1, complete: true });
  });

  test("reports a record that is no JSON", async () => {
    const { log, errors } = observed({ sink: createMemorySink() });
    expect(await log.append({ ...record(1), sequence: 1n as never })).toBe(false);
    expect(errors).toHaveLength(1);
    expect(log.lost).toBe(1);
    await log.close();
  });
});

describe("createMemorySink()", () => {
  test("keeps the newest lines", () => {
    const sink = createMemorySink({ capacity: 3 });
    void sink.write(["a", "b"]);
    void sink.write(["c", "d", "e"]);
    expect(sink.lines()).toEqual(["c", "d", "e"]);
    expect(sink.forgotten).toBe(2);
  });
});
