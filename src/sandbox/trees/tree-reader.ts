/**
 * What `pack` answers: hostile bytes, parsed one entry after the other.
 *
 * @module
 */
import { decodeFields, violation } from "../../link/codec.ts";
import { CODES, MAX_DATA_BYTES, MAX_TREE_PATH_BYTES, RECORDS } from "../../link/protocol.ts";
import { isPlainName } from "../file-records.ts";
import { StreamReader } from "../stream-reader.ts";

/** An entry of the sandbox's. Its path is plain, and its folder came before it. */
export interface PackedEntry {
  readonly kind: "file" | "directory" | "symlink" | "other";
  /** Permission bits. */
  readonly mode: number;
  /** An errno: why it was passed over. 0: it was not. */
  readonly failure: number;
  readonly size: number;
  readonly mtimeMs: number;
  /** Below the top, which comes first and is empty. */
  readonly path: Buffer;
  readonly target: Buffer;
}

/** The longest record: numbers, and two paths with their lengths. */
export const TREE_RECORD_BYTES_MAX: number = 64 + 2 * (MAX_TREE_PATH_BYTES + 1);

const PERMISSIONS = 0o777;
const KINDS: ReadonlyMap<number, PackedEntry["kind"]> = new Map(
  Object.entries(CODES.kind).map(([name, code]) => [code, name as PackedEntry["kind"]]),
);
const EMPTY = Buffer.alloc(0);

/** Reads a tree; what is malformed throws a violation of the protocol. */
export class TreeReader {
  readonly #reader: StreamReader;
  /** The folders whose entries may come now, from the top down. */
  readonly #open: Buffer[] = [];
  #started = false;

  constructor(take: () => Promise<Uint8Array | undefined>) {
    this.#reader = new StreamReader(take);
  }

  /** The next entry; the content of the one before must have been read. */
  async next(): Promise<PackedEntry | undefined> {
    const record = await this.#reader.record(TREE_RECORD_BYTES_MAX);
    // Between two entries the stream may end, but a tree has a top.
    if (record === undefined && this.#started) return undefined;
    if (record === undefined) throw violation("a tree has no top");
    const entry = decodeEntry(record);
    this.#place(entry);
    return entry;
  }

  /** The next piece of a file's content; undefined after the last. */
  async piece(): Promise<Buffer | undefined> {
    const piece = await this.#reader.piece(MAX_DATA_BYTES);
    return piece.length === 0 ? undefined : piece;
  }

  /** An entry lies in a folder that was told before and is not over: nothing leads elsewhere. */
  #place(entry: PackedEntry): void {
    const { path } = entry;
    if (!this.#started) {
      if (path.length > 0 || entry.kind !== "directory" || entry.failure !== 0) throw violation("a tree has no top");
      this.#started = true;
    } else {
      const slash = path.lastIndexOf(0x2f);
      const parent = slash < 0 ? EMPTY : path.subarray(0, slash);
      while (this.#open.at(-1)?.equals(parent) === false) this.#open.pop();
      if (this.#open.length === 0) throw violation("an entry of a tree is in no folder of it");
      if (!isPlainName(path.subarray(slash + 1))) throw violation("an entry of a tree has a path for a name");
    }
    if (entry.kind === "directory" && entry.failure === 0) this.#open.push(path);
  }
}

/** An entry by itself, as `unpack` answers with one that failed. */
export function decodeEntry(record: Uint8Array): PackedEntry {
  const entry = decodeFields(RECORDS.treeEntry, record);
  const kind = KINDS.get(entry.kind);
  if (kind === undefined) throw violation(`an entry of a tree is of kind ${entry.kind}`);
  if (kind === "other" && entry.failure === 0) throw violation("an entry of a tree is of no kind that can be copied");
  if (entry.path.length > MAX_TREE_PATH_BYTES || entry.target.length > MAX_TREE_PATH_BYTES) {
    throw violation("an entry of a tree has a path that is too long");
  }
  if (kind === "symlink" && entry.failure === 0 && (entry.target.length === 0 || entry.target.includes(0))) {
    throw violation("a link of a tree says nothing that a link can");
  }
  return {
    kind,
    mode: entry.mode & PERMISSIONS,
    failure: entry.failure,
    size: entry.size,
    mtimeMs: entry.mtimeSeconds * 1000 + entry.mtimeNanoseconds / 1e6,
    path: Buffer.from(entry.path),
    target: Buffer.from(entry.target),
  };
}
