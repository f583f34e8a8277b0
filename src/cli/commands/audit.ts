/**
 * `cofferdam audit`.
 *
 * @module
 */
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type AuditLine,
  type AuditRecord,
  type ChainFields,
  type DecisionRecord,
  displaySafe,
  SandboxError,
  verifyAuditLog,
} from "../../mod.ts";
import { type Style, styleOf } from "../style.ts";
import { aside, say, sayJson } from "../write.ts";

/** Which records. */
export interface AuditFlags {
  readonly verdict?: string;
  readonly domain?: string;
  readonly sandbox?: string;
  readonly json?: boolean;
}

/** Prints the records of a log. */
export async function showAudit(log: string, flags: AuditFlags): Promise<void> {
  const style = styleOf(process.stdout);
  await readable(log);
  for await (const line of createInterface({ input: createReadStream(log), crlfDelay: Number.POSITIVE_INFINITY })) {
    show(line, flags, style);
  }
}

/** How often a log is looked at, in milliseconds. */
const LOOK_MS = 200;

/** Prints what there is, and what comes. */
export async function followAudit(log: string, flags: AuditFlags): Promise<void> {
  const style = styleOf(process.stdout);
  await using file = await openLog(log);
  const stopped = new AbortController();
  process.once("SIGINT", () => stopped.abort());
  process.once("SIGTERM", () => stopped.abort());
  const buffer = Buffer.alloc(65_536);
  let rest = Buffer.alloc(0);
  while (!stopped.signal.aborted) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    if (bytesRead === 0) {
      await sleep(LOOK_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
      continue;
    }
    rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      show(rest.subarray(0, end).toString(), flags, style);
      rest = rest.subarray(end + 1);
    }
  }
}

/** Verifies a log. What is wrong with it is an error. */
export async function verifyAudit(
  log: string,
  { head, json }: { readonly head?: string; readonly json?: boolean },
): Promise<void> {
  const result = await verifyAuditLog(log, head === undefined ? {} : { head });
  if (json) return sayJson(result);
  const style = styleOf(process.stdout);
  const end = result.complete
    ? ""
    : style("yellow", "; a chain has no closing line: a process was killed, or the end was cut");
  say(`${style("green", "ok")} ${displaySafe(log)}: ${result.records} records, ${result.chains} chains${end}`);
  aside(`head ${result.head}`);
}

async function openLog(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (cause) {
    throw new SandboxError("ARGUMENT_INVALID", `Cannot read the log "${path}": ${(cause as Error).message}`, {
      details: { argument: "log", value: path },
      cause,
    });
  }
}

async function readable(path: string): Promise<void> {
  await (await openLog(path)).close();
}

function show(text: string, flags: AuditFlags, style: Style): void {
  const record = recordOf(text);
  if (record === undefined || !isAsked(record, flags)) return;
  if (flags.json) say(JSON.stringify(record));
  else
    say(`${style("dim", displaySafe(String(record.time)))} ${displaySafe(record.sandbox)} ${describe(record, style)}`);
}

/** Undefined: the line is the log's own, or none. What is wrong with a log `verify` says. */
function recordOf(text: string): AuditRecord | undefined {
  try {
    const line = JSON.parse(text) as AuditLine;
    return "sandbox" in line && typeof line.sandbox === "string" ? line : undefined;
  } catch {
    return undefined;
  }
}

function isDecision(record: AuditRecord): record is DecisionRecord {
  return record.kind === "decision";
}

function isAsked(record: AuditRecord, { verdict, domain, sandbox }: AuditFlags): boolean {
  if (sandbox !== undefined && record.sandbox !== sandbox) return false;
  if (verdict === undefined && domain === undefined) return true;
  if (!isDecision(record)) return false;
  return (verdict ?? record.verdict) === record.verdict && (domain ?? record.domain) === record.domain;
}

const LOOKS = { allow: "green", deny: "red", ask: "yellow" } as const;

function describe(record: AuditRecord, style: Style): string {
  if (!isDecision(record)) {
    const { kind, time, sandbox, sequence, policy, index, previous, hash, ...rest } = record as AuditRecord &
      Partial<ChainFields>;
    return `${style("bold", kind)} ${style("dim", displaySafe(JSON.stringify(rest)))}`;
  }
  const { verdict, operation, object, reason, subject, count = 1 } = record;
  const program = subject?.binary === undefined ? "" : ` by ${displaySafe(subject.binary)}`;
  const times = count > 1 ? ` (${count} times)` : "";
  return `${style(LOOKS[verdict] ?? "dim", displaySafe(verdict))} ${operation} ${displaySafe(object)}${program}${times} ${style("dim", displaySafe(reason))}`;
}
