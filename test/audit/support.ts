import { Buffer } from "node:buffer";
import fc from "fast-check";
import { splitLines } from "../../src/audit/lines.ts";
import { type AuditLogOptions, createAuditLog } from "../../src/audit/log.ts";
import { createMemorySink } from "../../src/audit/memory.ts";
import type { AuditRecord, RecordBody } from "../../src/audit/record.ts";
import { type VerifiedAuditLog, type VerifyAuditLogOptions, verifyAuditLog } from "../../src/audit/verify.ts";
import { type ErrorCode, SandboxError } from "../../src/errors.ts";

export function record(sequence: number, body?: RecordBody): AuditRecord {
  return {
    time: "2026-01-02T03:04:05.678Z",
    sequence,
    sandbox: "5a",
    policy: { digest: "sha256:00", generation: 1 },
    ...(body ?? { kind: "sandbox.end", reason: "stopped", durationMs: 12 }),
  };
}

const text = fc.string({ unit: "binary", maxLength: 40 });

/** Records of several shapes, with any text in them. */
export const bodies: fc.Arbitrary<RecordBody[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("command.start" as const), argv: fc.array(text, { maxLength: 4 }), pid: fc.nat() }),
    fc.record({ kind: fc.constant("sandbox.end" as const), reason: text, durationMs: fc.nat() }),
    fc.record({
      kind: fc.constant("decision" as const),
      domain: fc.constantFrom("filesystem" as const, "network" as const),
      operation: text,
      object: text,
      verdict: fc.constantFrom("allow" as const, "deny" as const),
      decidedBy: fc.record({ kind: fc.constant("plugin" as const), name: text }),
      latencyMs: fc.double({ noNaN: true }),
      reason: text,
    }),
  ),
  { maxLength: 8 },
);

/** The lines of a log with these records, closed unless it says otherwise. */
export async function linesOf(
  records: readonly RecordBody[],
  options: Partial<AuditLogOptions> & { readonly closed?: boolean; readonly previous?: string } = {},
): Promise<string[]> {
  const { closed = true, previous, ...rest } = options;
  const memory = createMemorySink();
  const sink = previous === undefined ? memory : { previous, write: memory.write };
  const log = createAuditLog({ sink, ...rest });
  records.forEach((body, index) => void log.append(record(index + 1, body)));
  await (closed ? log.close() : log.flush());
  return [...memory.lines()];
}

/** The hash of a line of a log. */
export function hashOf(line: string | undefined): string {
  const { hash } = JSON.parse(line ?? "{}") as { hash: string };
  return hash;
}

/** Verifies bytes as if they were a file, read in pieces of that size. */
export function verifyBytes(
  bytes: Uint8Array,
  options?: VerifyAuditLogOptions,
  pieceBytes = 64,
): Promise<VerifiedAuditLog> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  return verifyAuditLog(splitLines(pieces()), options);
}

export function toBytes(lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\n`).join(""));
}

/** Waits for something that must fail with a code, and returns the error. */
export async function rejection<C extends ErrorCode>(code: C, promise: Promise<unknown>): Promise<SandboxError<C>> {
  const outcome = await promise.then(
    () => "it succeeded",
    (error: unknown) => error,
  );
  if (SandboxError.is(outcome, code)) return outcome;
  throw outcome instanceof Error ? outcome : new Error(`expected ${code}, but ${String(outcome)}`);
}
