/**
 * What the launcher answers to `copy`: an entry of the host's for each record.
 *
 * @module
 */
import type { Readable, Writable } from "node:stream";
import { decodeFields, violation } from "../../link/codec.ts";
import { errnoName } from "../../link/errno.ts";
import { CODES, RECORDS } from "../../link/protocol.ts";
import type { BaselineEntry, CopyReport } from "../workspace/mod.ts";

/** A launcher that waits for what it is to build. */
export interface CopyingLauncher {
  readonly input: Readable;
  readonly output: Writable;
  diagnostics(): string;
}

/** Hears of each file and symlink that may be written; its path is Latin-1. */
export type OnCopied = (path: string, entry: BaselineEntry) => void;

const LENGTH_BYTES = 4;

/**
 * Reads records up to the last, and not a byte more: what follows is the warden's.
 *
 * @throws {Error} With the `code` of the system call that failed, if the launcher gave up.
 * @throws {SandboxError} PROTOCOL_VIOLATION If what comes are no records.
 * @throws The signal's reason, if it is aborted before.
 */
export async function readCopied(
  launcher: CopyingLauncher,
  onCopied: OnCopied,
  signal?: AbortSignal,
): Promise<CopyReport> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of piecesOf(launcher.input, signal)) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let at = 0;
    while (rest.length - at >= LENGTH_BYTES) {
      const size = rest.readUInt32LE(at);
      if (size > RECORD_BYTES_MAX) throw violation(`a record claims ${size} bytes`);
      if (rest.length - at - LENGTH_BYTES < size) break;
      const record = rest.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + size);
      at += LENGTH_BYTES + size;
      if (record[0] === END) {
        if (at !== rest.length) throw violation("something came before the sandbox was built");
        return toReport(record);
      }
      tell(record, onCopied);
    }
    rest = Buffer.from(rest.subarray(at));
  }
  throw new Error(`the launcher ended: ${launcher.diagnostics() || "it said nothing"}`);
}

const END = 0;

/** A path, a link's target, and numbers. Paths of a deep tree are long. */
const RECORD_BYTES_MAX = 1 << 20;

/** What comes, as it comes. Leaving the loop leaves the stream open. */
async function* piecesOf(input: Readable, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  for (;;) {
    signal?.throwIfAborted();
    const piece: Buffer | null = input.read();
    if (piece !== null) yield piece;
    else if (input.readableEnded || input.destroyed) return;
    else await readable(input, signal);
  }
}

function readable(input: Readable, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const events = ["readable", "end", "close"] as const;
    const settle = () => {
      for (const event of events) input.off(event, settle);
      signal?.removeEventListener("abort", settle);
      resolve();
    };
    for (const event of events) input.once(event, settle);
    signal?.addEventListener("abort", settle);
  });
}

function toReport(record: Buffer): CopyReport {
  const { failure, special, unreadable, changed, path } = decodeFields(RECORDS.copyEnd, record);
  if (failure === 0) return { special, unreadable, changed };
  const code = errnoName(failure);
  const where = Buffer.from(path).toString();
  throw Object.assign(new Error(where === "" ? code : `${code} at "${where}"`), { code });
}

function tell(record: Buffer, onCopied: OnCopied): void {
  const entry = decodeFields(RECORDS.copied, record);
  const isLink = entry.kind === CODES.kind.symlink;
  const added: BaselineEntry = {
    kind: isLink ? "symlink" : "file",
    mode: entry.mode & 0o1777,
    size: entry.size,
    host: {
      device: entry.device,
      inode: entry.inode,
      size: entry.size,
      mtimeMs: toMs(entry.mtimeSeconds, entry.mtimeNanoseconds),
      ctimeMs: toMs(entry.ctimeSeconds, entry.ctimeNanoseconds),
    },
    ...(isLink ? { target: Buffer.from(entry.target) } : {}),
    ...(isLink ? {} : { copy: { inode: entry.copyInode, ctimeMs: entry.copyCtimeMs } }),
  };
  const { buffer, byteOffset, length } = entry.path;
  onCopied(Buffer.from(buffer, byteOffset, length).toString("latin1"), added);
}

/** As Node's `Stats` has it. */
function toMs(seconds: number, nanoseconds: number): number {
  return seconds * 1000 + nanoseconds / 1e6;
}
