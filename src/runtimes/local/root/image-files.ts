/**
 * The files of an image, in a folder or in an archive.
 *
 * @module
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join, posix } from "node:path";
import { Malformed } from "./failure.ts";
import { readTar } from "./tar.ts";

/** A part of an open file. */
export interface FilePart {
  readonly handle: FileHandle;
  readonly offset: number;
  readonly size: number;
}

/** Files by their names in the image's layout. */
export interface ImageFiles {
  /** Undefined: there is none. */
  part(name: string): Promise<FilePart | undefined>;
  close(): Promise<void>;
}

const PIECE_BYTES = 256 * 1024;
/** How many files an archive may hold: an image has two for each layer. */
const FILES_MAX = 100_000;

/** The content of a part, piece by piece. */
export async function* piecesOf({ handle, offset, size }: FilePart): AsyncGenerator<Buffer> {
  for (let at = 0; at < size; ) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, size - at));
    const { bytesRead } = await handle.read(piece, 0, piece.length, offset + at);
    if (bytesRead === 0) throw new Malformed("it ends too soon");
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

/** The first bytes of a part. */
export async function headOf(part: FilePart, bytes: number): Promise<Buffer> {
  return contentOf({ ...part, size: Math.min(part.size, bytes) });
}

/** All of it. */
export async function contentOf(part: FilePart): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of piecesOf(part)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** What a layout has: a name in a document that nobody trusts leads nowhere else. */
const LAYOUT_NAME = /^(?:index\.json|blobs\/sha256\/[0-9a-f]{64})$/;

/** A folder with an image layout. Only regular files are opened; what a link leads to is held to its digest. */
export function layoutFiles(folder: string): ImageFiles {
  const opened = new Map<string, Promise<FilePart | undefined>>();
  const openPart = async (name: string): Promise<FilePart | undefined> => {
    if (!LAYOUT_NAME.test(name)) return undefined;
    // Without waiting: it may be a FIFO that nobody writes to.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    const handle = await open(join(folder, name), flags).catch(() => undefined);
    if (handle === undefined) return undefined;
    const stats = await handle.stat();
    if (stats.isFile()) return { handle, offset: 0, size: stats.size };
    await handle.close();
    return undefined;
  };
  return {
    part(name) {
      const known = opened.get(name) ?? openPart(name);
      opened.set(name, known);
      return known;
    },
    async close() {
      for (const part of opened.values()) await (await part)?.handle.close();
    },
  };
}

/**
 * An archive: it is read once, to find what is where.
 *
 * @throws {Malformed} If it is no tar archive.
 */
export async function archiveFiles(path: string, signal: AbortSignal | undefined): Promise<ImageFiles> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    const whole = { handle, offset: 0, size };
    await refuseCompressed(whole);
    const parts = await indexed(whole, signal);
    return { part: async (name) => parts.get(name), close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function refuseCompressed(whole: FilePart): Promise<void> {
  const head = await headOf(whole, 4);
  if (compressionOf(head) !== undefined) throw new Malformed("it is compressed: decompress it first");
}

async function indexed(whole: FilePart, signal: AbortSignal | undefined): Promise<Map<string, FilePart>> {
  const parts = new Map<string, FilePart>();
  const links = new Map<string, string>();
  let count = 0;
  await readTar(piecesOf(whole), (entry) => {
    signal?.throwIfAborted();
    if (++count > FILES_MAX) throw new Malformed(`it has more than ${FILES_MAX} files`);
    const { name, type, size = 0, linkname, ...header } = entry.header;
    const path = posix.normalize(name);
    // The package says where a content begins; its types do not know.
    const offset = "byteOffset" in header && typeof header.byteOffset === "number" ? header.byteOffset : undefined;
    if (type === "file" && offset !== undefined) parts.set(path, { ...whole, offset, size });
    if (type === "symlink") links.set(path, posix.normalize(posix.join(posix.dirname(path), linkname ?? "")));
  });
  // Where two layers are the same, older engines write one and a link to it.
  for (const [path, target] of links) {
    const part = parts.get(target);
    if (part !== undefined && !parts.has(path)) parts.set(path, part);
  }
  return parts;
}

/** How something is compressed, by its first bytes. */
export function compressionOf(head: Buffer): "gzip" | "zstd" | undefined {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  return head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528 ? "zstd" : undefined;
}
