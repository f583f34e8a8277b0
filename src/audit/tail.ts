/**
 * The end of a log's file, to continue it.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { FileHandle } from "node:fs/promises";
import { auditBroken } from "./broken.ts";
import { MAX_LINE_BYTES, parseLine } from "./line.ts";
import { decodeLine } from "./lines.ts";

const NEWLINE = 0x0a;

/**
 * The hash of the last line of a file; undefined if the file is empty. Only that line is verified here.
 *
 * @throws {SandboxError} AUDIT_BROKEN If the file does not end with a line of a log.
 */
export async function readTail(file: FileHandle, size: number): Promise<string | undefined> {
  if (size === 0) return undefined;
  const length = Math.min(size, MAX_LINE_BYTES + 2);
  const bytes = await readAt(file, size - length, length);
  if (bytes.at(-1) !== NEWLINE) {
    throw auditBroken((await countLines(file, size)) + 1, "it has no end: it was cut, or a crash tore it");
  }
  // Without a line end in sight the whole piece is taken, which is too long for a line unless it is the whole file.
  const start = bytes.length === 1 ? 0 : bytes.lastIndexOf(NEWLINE, -2) + 1;
  const text = decodeLine(bytes.subarray(start, -1));
  const line = text === undefined ? "it is no UTF-8" : parseLine(text);
  if (typeof line === "string") throw auditBroken(await countLines(file, size), line);
  return line.hash;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

async function countLines(file: FileHandle, size: number): Promise<number> {
  let lines = 0;
  for (let at = 0; at < size; ) {
    const piece = await readAt(file, at, Math.min(size - at, 65_536));
    if (piece.length === 0) break;
    for (const byte of piece) if (byte === NEWLINE) lines++;
    at += piece.length;
  }
  return lines;
}
