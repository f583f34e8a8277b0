/**
 * One layer of an image: from its file to entries of the tree, and contents on the disk.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { closeSync, constants, fchmodSync, futimesSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { pipeline, Readable, type Transform } from "node:stream";
import zlib from "node:zlib";
import { Malformed } from "./failure.ts";
import type { ImageLayer } from "./image-description.ts";
import { compressionOf, type FilePart, headOf, piecesOf } from "./image-files.ts";
import { type ImageTree, modeOf, timeOf } from "./image-tree.ts";
import { readTar, type TarEntry } from "./tar.ts";

/** What may still be unpacked, in bytes: what a bomb is held by. */
export interface Budget {
  bytes: number;
}

/** Where a layer goes. */
export interface LayerTarget {
  readonly tree: ImageTree;
  /** An empty folder, or one with the contents of lower layers. */
  readonly contents: string;
  readonly budget: Budget;
  readonly signal: AbortSignal | undefined;
}

/**
 * Unpacks it.
 *
 * @throws {Malformed} If it is not what its digests say, or no layer.
 */
export async function unpackLayer(part: FilePart, layer: ImageLayer, target: LayerTarget): Promise<void> {
  const { tree, contents, budget, signal } = target;
  const stored = createHash("sha256");
  const plain = createHash("sha256");
  const decoder = decoderFor(await headOf(part, 4));
  const pieces = seen(piecesOf(part), stored);
  // What fails in it is told to whoever reads on.
  const decoded = decoder === undefined ? pieces : pipeline(Readable.from(pieces), decoder, () => undefined);
  tree.beginLayer();
  await readTar(seen(decoded, plain, budget), async (entry) => {
    signal?.throwIfAborted();
    const content = tree.add(entry.header);
    if (content !== undefined) await writeContent(entry, join(contents, String(content)));
  }).catch((error: unknown) => {
    throw isTorn(error) ? new Malformed(`its layer ${layer.diffId} is broken: ${error.message}`) : error;
  });
  signal?.throwIfAborted();
  if (digestOf(plain) !== layer.diffId || (layer.digest !== undefined && digestOf(stored) !== layer.digest)) {
    throw new Malformed(`its layer ${layer.diffId} is not what its digest says`);
  }
}

/** Whether a decoder could not go on. What the disk says is another matter. */
function isTorn(error: unknown): error is Error {
  return error instanceof Error && "code" in error && /^Z(?:STD)?_/.test(String(error.code));
}

async function* seen(source: AsyncIterable<Buffer>, hash: Hash, budget?: Budget): AsyncGenerator<Buffer> {
  for await (const piece of source) {
    hash.update(piece);
    if (budget !== undefined) budget.bytes -= piece.length;
    if (budget !== undefined && budget.bytes < 0) throw new Malformed("it is larger than what is unpacked");
    yield piece;
  }
}

const PIECE_BYTES = 256 * 1024;

/** In the newer Nodes alone. */
interface Zstd {
  readonly createZstdDecompress?: (options: { readonly chunkSize: number }) => Transform;
}

function decoderFor(head: Buffer): Transform | undefined {
  const compression = compressionOf(head);
  if (compression === undefined) return undefined;
  if (compression === "gzip") return zlib.createGunzip({ chunkSize: PIECE_BYTES });
  const { createZstdDecompress } = zlib as Zstd;
  if (createZstdDecompress !== undefined) return createZstdDecompress({ chunkSize: PIECE_BYTES });
  throw new Malformed("its layers are compressed with zstd, which Node reads from 22.15 on");
}

/** Whole, with its mode and time. The calls are short, and there are a hundred thousand of them: a promise for each costs more. */
async function writeContent(entry: TarEntry, path: string): Promise<void> {
  const { mode, mtime } = entry.header;
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    for await (const piece of entry as AsyncIterable<Buffer>) {
      for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
    }
    fchmodSync(fd, modeOf(mode, 0o644));
    const seconds = timeOf(mtime) / 1000;
    futimesSync(fd, seconds, seconds);
  } finally {
    closeSync(fd);
  }
}

function digestOf(hash: Hash): string {
  return `sha256:${hash.digest("hex")}`;
}
