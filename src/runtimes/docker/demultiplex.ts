/**
 * Takes apart the stream that an attached container's output comes in.
 *
 * @module
 */
import { type Duplex, Readable } from "node:stream";
import { SandboxError } from "../../errors.ts";

const HEADER_BYTES = 8;
const STDOUT = 1;
const STDERR = 2;
/** Engines copy in pieces of 32 KiB. A length beyond this is no length. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/** A piece of one of the two outputs. */
export interface Piece {
  readonly stderr: boolean;
  readonly data: Buffer;
}

/** Returns a function that takes bytes as they come and returns the pieces in them. */
export function createSplitter(): (chunk: Buffer) => Piece[] {
  const header = Buffer.alloc(HEADER_BYTES);
  let have = 0;
  let left = 0;
  return (chunk) => {
    const pieces: Piece[] = [];
    for (let at = 0; at < chunk.length; ) {
      if (left > 0) {
        const data = chunk.subarray(at, at + left);
        pieces.push({ stderr: header[0] === STDERR, data });
        at += data.length;
        left -= data.length;
        continue;
      }
      const copied = chunk.copy(header, have, at, at + HEADER_BYTES - have);
      have += copied;
      at += copied;
      if (have < HEADER_BYTES) break;
      have = 0;
      left = lengthIn(header);
    }
    return pieces;
  };
}

function lengthIn(header: Buffer): number {
  const [kind, a, b, c] = header;
  const length = header.readUInt32BE(4);
  if ((kind === STDOUT || kind === STDERR) && a === 0 && b === 0 && c === 0 && length <= MAX_FRAME_BYTES) return length;
  const reason = `the engine's output stream has no frame where one must begin (${header.toString("hex")})`;
  throw new SandboxError("PROTOCOL_VIOLATION", `The link to the sandbox is broken: ${reason}`, { details: { reason } });
}

/** The container's stdout, with back-pressure; its stderr goes to `onStderr`. Ends when `source` ends, however that is. */
export function demultiplex(source: Duplex, onStderr: (data: Buffer) => void): Readable {
  const split = createSplitter();
  const output = new Readable({
    read: () => source.resume(),
    destroy: (error, callback) => {
      source.destroy();
      callback(error);
    },
  });
  let ended = false;
  const end = (): void => {
    if (!ended) output.push(null);
    ended = true;
  };
  source.on("data", (chunk: Buffer) => {
    try {
      for (const piece of split(chunk)) {
        if (piece.stderr) onStderr(piece.data);
        else if (!ended && !output.push(piece.data)) source.pause();
      }
    } catch (error) {
      output.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  });
  source.on("end", end);
  source.on("close", end);
  source.on("error", end);
  return output;
}
