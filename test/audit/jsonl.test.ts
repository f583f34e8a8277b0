import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openJsonlSink } from "../../src/audit/jsonl.ts";
import { MAX_LINE_BYTES } from "../../src/audit/line.ts";
import { createAuditLog } from "../../src/audit/log.ts";
import { openAuditLog } from "../../src/audit/open-log.ts";
import { verifyAuditLog } from "../../src/audit/verify.ts";
import { record, rejection } from "./support.ts";

let directory = "";
let path = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cofferdam-audit-"));
  path = join(directory, "audit.jsonl");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function write(records: number): Promise<void> {
  const log = createAuditLog({ sink: await openJsonlSink(path) });
  for (let each = 1; each <= records; each++) void log.append(record(each));
  await log.close();
  expect(log.healthy).toBe(true);
}

describe("openJsonlSink()", () => {
  test("makes a file that only its owner can read", async () => {
    await write(1);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, "utf8").split("\n")).toHaveLength(4);
  });

  test("continues a log with a chain that is linked to it", async () => {
    await write(2);
    await write(0);
    await write(3);
    expect(await verifyAuditLog(path)).toMatchObject({ records: 5, chains: 3, complete: true });
  });

  test("continues a log whose process ended without closing it, and that stays visible", async () => {
    const abandoned = createAuditLog({ sink: await openJsonlSink(path) });
    await abandoned.append(record(1));
    await write(1);
    expect(await verifyAuditLog(path)).toMatchObject({ records: 2, chains: 2, complete: false });
    await abandoned.close();
  });

  test.each([
    ["text", "hello\n", 1, "it is no JSON"],
    ["a torn line", undefined, 3, "it has no end: it was cut, or a crash tore it"],
    ["an empty line", "\n", 1, "it is empty"],
    ["other bytes", Buffer.of(0xff, 0x0a), 1, "it is no UTF-8"],
    ["a long line", `a\n${"x".repeat(MAX_LINE_BYTES + 5)}\n`, 2, `it is longer than ${MAX_LINE_BYTES} bytes`],
  ])("refuses to continue a file that ends with %s", async (_, content, line, reason) => {
    if (content === undefined) {
      await write(1);
      truncateSync(path, statSync(path).size - 10);
    } else writeFileSync(path, content);
    const before = readFileSync(path);
    const { details } = await rejection("AUDIT_BROKEN", openJsonlSink(path));
    expect(details).toEqual({ line, reason });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("refuses to continue a log whose last line was changed", async () => {
    await write(1);
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace('"records":1', '"records":2'));
    expect((await rejection("AUDIT_BROKEN", openJsonlSink(path))).details.line).toBe(3);
  });

  test("refuses symlinks, folders, FIFOs and what it cannot open", async () => {
    writeFileSync(join(directory, "target"), "");
    symlinkSync(join(directory, "target"), path);
    expect((await rejection("ARGUMENT_INVALID", openJsonlSink(path))).message).toMatch(/it is a symlink$/);
    await rejection("ARGUMENT_INVALID", openJsonlSink(directory));
    await rejection("ARGUMENT_INVALID", openJsonlSink(join(directory, "missing", "audit.jsonl")));
    execFileSync("mkfifo", [join(directory, "fifo")]);
    await rejection("ARGUMENT_INVALID", openJsonlSink(join(directory, "fifo")));
    await rejection("ARGUMENT_INVALID", verifyAuditLog(join(directory, "fifo")));
    await rejection("ARGUMENT_INVALID", verifyAuditLog(join(directory, "missing")));
  });

  test.each([
    ["writes to it", () => appendFileSync(path, "forged\n")],
    ["cuts it", () => truncateSync(path, 10)],
  ])("fails when someone else %s", async (_, interfere) => {
    const errors: string[] = [];
    const log = createAuditLog({ sink: await openJsonlSink(path), onError: ({ message }) => errors.push(message) });
    await log.append(record(1));
    interfere();
    expect(await log.append(record(2))).toBe(false);
    expect(errors).toEqual([expect.stringMatching(/someone else writes to it, or cut it$/)]);
    await log.close();
  });

  test("takes a batch back of which the disk took only a part", async ({ skip }) => {
    if (process.getuid?.() !== 0) skip("only root can mount a small disk");
    const disk = join(directory, "disk");
    execFileSync("mkdir", [disk]);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], { stdio: "ignore" });
    } catch {
      skip("mounting is not allowed here");
    }
    try {
      path = join(disk, "audit.jsonl");
      const log = createAuditLog({ sink: await openJsonlSink(path) });
      const argv = Array.from({ length: 4 }, () => "x".repeat(1500));
      for (let each = 1; each < 8; each++) await log.append(record(each, { kind: "command.start", argv, pid: 1 }));
      await log.close();
      expect(log).toMatchObject({ healthy: false, lost: 5 });
      expect(await verifyAuditLog(path)).toMatchObject({ records: 2, complete: false, head: log.head()?.hash });
    } finally {
      execFileSync("umount", [disk]);
    }
  });
});

describe("openAuditLog()", () => {
  test("is one chain for all who open a file at the same time", async () => {
    const same = join(directory, ".", "audit.jsonl");
    const logs = await Promise.all([path, same, path].map((each) => openAuditLog(each)));
    await Promise.all(logs.map((log, index) => log.append(record(index + 1))));
    const [first] = logs;
    await first?.close();
    expect(await first?.append(record(4))).toBe(false);
    expect(first).toMatchObject({ healthy: false, lost: 1 });
    expect(logs[1]).toMatchObject({ healthy: true, lost: 0 });
    expect(await verifyAuditLog(path)).toMatchObject({ records: 3, chains: 1, complete: false });
    const heads = await Promise.all(logs.map((log) => log.close()));
    expect(await verifyAuditLog(path)).toMatchObject({ records: 3, chains: 1, complete: true });
    expect(heads.at(-1)).toBeDefined();
  });

  test("begins a new chain for whoever comes while the last one leaves", async () => {
    for (let each = 1; each <= 20; each++) {
      const log = await openAuditLog(path);
      await log.append(record(each));
      void log.close();
    }
    await (await openAuditLog(path)).close();
    expect(await verifyAuditLog(path)).toMatchObject({ records: 20, chains: 21, complete: true });
  });

  test("refuses another signature for a file that is in use", async () => {
    const sign = () => Buffer.from("a");
    await using log = await openAuditLog(path, { sign });
    expect(log.healthy).toBe(true);
    await (await openAuditLog(path, { sign })).close();
    await rejection("ARGUMENT_INVALID", openAuditLog(path));
  });

  test("tells every user of a failure, and lets the next one begin anew", async () => {
    const errors: number[] = [];
    const logs = await Promise.all([1, 2].map((each) => openAuditLog(path, { onError: () => errors.push(each) })));
    await logs[0]?.append(record(1));
    truncateSync(path, 0);
    expect(await logs[0]?.append(record(2))).toBe(false);
    expect([...errors].sort()).toEqual([1, 2]);
    const next = await openAuditLog(path);
    expect(await next.append(record(1))).toBe(true);
    expect(await logs[1]?.append(record(3))).toBe(false);
    await Promise.all([...logs, next].map((log) => log.close()));
    expect(await verifyAuditLog(path)).toMatchObject({ records: 1, chains: 1, complete: true });
  });

  test("can be tried again after it failed", async () => {
    writeFileSync(path, "hello\n");
    await Promise.all([1, 2].map(() => rejection("AUDIT_BROKEN", openAuditLog(path))));
    rmSync(path);
    await (await openAuditLog(path)).close();
  });
});
