/**
 * What `list` and `stat` answer: hostile bytes, parsed.
 *
 * @module
 */
import { decodeFields, violation } from "../link/codec.ts";
import { CODES, RECORDS } from "../link/protocol.ts";
import type { FileEntry, FileKind } from "./types.ts";

/** The longest record with its length: a name, a symlink's target, and a few numbers. */
export const RECORD_BYTES_MAX = 16_384;

const LENGTH_BYTES = 4;
const KINDS = new Map<number, FileKind>(Object.entries(CODES.kind).map(([name, code]) => [code, name as FileKind]));

/**
 * The entries of an answer.
 *
 * @throws {SandboxError} PROTOCOL_VIOLATION If it is malformed.
 */
export function parseEntries(answer: Uint8Array): FileEntry[] {
  const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength);
  const entries: FileEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < LENGTH_BYTES) throw violation("a record has no length");
    const size = bytes.readUInt32LE(at);
    const start = at + LENGTH_BYTES;
    if (size > RECORD_BYTES_MAX || size > bytes.length - start) throw violation(`a record claims ${size} bytes`);
    entries.push(toEntry(bytes.subarray(start, start + size)));
    at = start + size;
  }
  return entries;
}

/** Whether a name is one that a folder can hold: whoever joins it to a path stays in that folder. */
export function isPlainName(name: Uint8Array): boolean {
  if (name.length === 0 || name.includes(0) || name.includes(0x2f)) return false;
  return !name.every((byte) => byte === 0x2e) || name.length > 2;
}

function toEntry(record: Buffer): FileEntry {
  const entry = decodeFields(RECORDS.entry, record);
  const kind = KINDS.get(entry.kind);
  if (kind === undefined) throw violation(`a record is of kind ${entry.kind}`);
  return {
    name: Buffer.from(entry.name).toString(),
    nameBytes: Uint8Array.from(entry.name),
    kind,
    mode: entry.mode,
    uid: entry.uid,
    size: entry.size,
    mtimeMs: entry.mtimeSeconds * 1000 + entry.mtimeNanoseconds / 1e6,
    ...(kind === "symlink" ? { target: Buffer.from(entry.target).toString() } : {}),
  };
}
