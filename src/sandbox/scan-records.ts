/**
 * What `scan` answers: hostile bytes, parsed as they come.
 *
 * @module
 */
import { decodeFields, violation } from "../link/codec.ts";
import { CODES, RECORDS } from "../link/protocol.ts";
import { WORKSPACE_PATH } from "../policy/core.ts";
import type { ScannedEntry } from "../review/mod.ts";
import { RECORD_BYTES_MAX } from "./file-records.ts";

const LENGTH_BYTES = 4;
const SHA256_BYTES = 32;
const KINDS = new Map<number, ScannedEntry["kind"]>([
  [CODES.kind.file, "file"],
  [CODES.kind.directory, "directory"],
  [CODES.kind.symlink, "symlink"],
  [CODES.kind.other, "special"],
]);
const PROBLEMS = new Map<number, ScannedEntry["problem"]>([
  [CODES.problem.none, undefined],
  [CODES.problem.unreadable, "unreadable"],
  [CODES.problem.tooLarge, "too-large"],
  [CODES.problem.tooDeep, "too-deep"],
]);

/** A path with a component that is empty, `.` or `..`, or with a NUL. */
const STRANGE = /(?:^|\/)\.{0,2}(?:\/|$)|\0/;

/** Cuts records out of pieces of output. */
export class ScanParser {
  readonly #root: string;
  #rest: Buffer = Buffer.alloc(0);

  /** `root` is what was asked for, as Latin-1 below the workspace. */
  constructor(root: string) {
    this.#root = root === "." ? "" : root;
  }

  /**
   * The entries that are whole by now.
   *
   * @throws {SandboxError} PROTOCOL_VIOLATION If a record is malformed.
   */
  add(data: Uint8Array): ScannedEntry[] {
    const piece = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const entries: ScannedEntry[] = [];
    let at = 0;
    while (bytes.length - at >= LENGTH_BYTES) {
      const size = bytes.readUInt32LE(at);
      if (size > RECORD_BYTES_MAX) throw violation(`a record claims ${size} bytes`);
      if (bytes.length - at - LENGTH_BYTES < size) break;
      entries.push(this.#toEntry(bytes.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + size)));
      at += LENGTH_BYTES + size;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
    return entries;
  }

  /**
   * Nothing comes any more.
   *
   * @throws {SandboxError} PROTOCOL_VIOLATION If a record is not whole.
   */
  end(): void {
    if (this.#rest.length > 0) throw violation("a record is cut off");
  }

  #toEntry(record: Buffer): ScannedEntry {
    const { sha256, target, ...entry } = decodeFields(RECORDS.scanned, record);
    const kind = KINDS.get(entry.kind);
    if (kind === undefined || !PROBLEMS.has(entry.problem)) throw violation(`a record is of kind ${entry.kind}`);
    if (sha256.length !== 0 && (sha256.length !== SHA256_BYTES || kind !== "file")) throw violation("a hash is none");
    const problem = PROBLEMS.get(entry.problem);
    const found: ScannedEntry = {
      path: this.#pathOf(entry.path),
      kind,
      mode: entry.mode & 0o7777,
      size: entry.size,
      inode: entry.inode,
      ctimeMs: entry.ctimeSeconds * 1000 + Math.floor(entry.ctimeNanoseconds / 1e6),
    };
    // Most entries have nothing of these.
    if (kind !== "symlink" && sha256.length === 0 && problem === undefined) return found;
    return {
      ...found,
      ...(kind === "symlink" ? { target: Buffer.from(target) } : {}),
      ...(sha256.length === 0 ? {} : { sha256: Buffer.from(sha256).toString("hex") }),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /** Below the workspace: at or below what was asked for, and of plain names only. */
  #pathOf(bytes: Uint8Array): string {
    const path = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    const relative = path === WORKSPACE_PATH ? "" : path.slice(WORKSPACE_PATH.length + 1);
    const root = this.#root;
    const inside = root === "" || relative === root || relative.startsWith(`${root}/`);
    const below = path.startsWith(`${WORKSPACE_PATH}/`) ? !STRANGE.test(relative) : path === WORKSPACE_PATH;
    if (!inside || !below) throw violation("a record is of another place");
    return relative;
  }
}
