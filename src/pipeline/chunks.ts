/**
 * The content of an open file, piece by piece.
 *
 * @module
 */
import { readSync } from "node:fs";

const CHUNK_BYTES = 256 * 1024;

/** Reads from the beginning. The descriptor stays open. */
export function* chunksOf(fd: number): Generator<Buffer> {
  for (let position = 0; ; ) {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    const length = readSync(fd, buffer, 0, CHUNK_BYTES, position);
    if (length === 0) return;
    position += length;
    yield buffer.subarray(0, length);
  }
}
