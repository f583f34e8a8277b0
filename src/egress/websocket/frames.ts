/**
 * WebSocket frames, read strictly and written plainly.
 *
 * The library `ws` has readers and writers of its own that Bun puts others in the place of, which do not exist there.
 *
 * Source: RFC 6455 §5 (framing), §7.4 (close codes).
 *
 * @module
 */
import { randomBytes } from "node:crypto";

/** What frames are for. */
export const OPCODES = { continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

/** A frame. */
export interface Frame {
  readonly isFinal: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
}

/** The longest message, in bytes. */
export const MESSAGE_MAX: number = 1_048_576;

/** The longest payload of a frame that controls: RFC 6455 §5.5. */
const CONTROL_MAX = 125;

/** The most pieces that a frame is kept in. */
const CHUNKS_MAX = 1024;

/** A side that breaks the protocol, and the code that it is closed with. */
export class FrameProblem extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Reads frames from bytes. */
export class FrameReader {
  readonly #isMasked: boolean;
  #chunks: Buffer[] = [];
  #length = 0;

  /** @param isMasked Whether the other side is a client: its frames are masked, and a server's never. */
  constructor(isMasked: boolean) {
    this.#isMasked = isMasked;
  }

  /** What waits to be whole, in bytes. */
  get length(): number {
    return this.#length;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    // A byte at a time would cost a hundred times what it says.
    if (this.#chunks.length > CHUNKS_MAX) this.#chunks = [Buffer.concat(this.#chunks)];
  }

  /** The next frame, once all of it is there. Throws a {@link FrameProblem}. */
  next(): Frame | undefined {
    if (this.#length < 2) return undefined;
    const head = this.#peek(Math.min(this.#length, 14));
    const [first = 0, second = 0] = head;
    const isFinal = (first & 0x80) !== 0;
    const opcode = first & 0x0f;
    const short = second & 0x7f;
    if ((first & 0x70) !== 0) throw new FrameProblem(1002, "it uses an extension that nobody agreed on");
    if (((second & 0x80) !== 0) !== this.#isMasked)
      throw new FrameProblem(1002, "its masking is that of the other side");
    const isControl = opcode >= 0x8;
    if (isControl && (!isFinal || short > CONTROL_MAX)) throw new FrameProblem(1002, "a control frame is not whole");
    if (opcode > OPCODES.pong || (opcode > OPCODES.binary && !isControl)) {
      throw new FrameProblem(1002, "a frame is of no kind that is known");
    }
    const lengthBytes = short < 126 ? 0 : short === 126 ? 2 : 8;
    const start = 2 + lengthBytes + (this.#isMasked ? 4 : 0);
    if (head.length < 2 + lengthBytes) return undefined;
    const length = lengthOf(head, short);
    if (length > MESSAGE_MAX) throw new FrameProblem(1009, `a message has more than ${MESSAGE_MAX} bytes`);
    if (this.#length < start + length) return undefined;
    const bytes = this.#take(start + length);
    const payload = bytes.subarray(start);
    if (this.#isMasked) mask(payload, bytes.subarray(start - 4, start));
    return { isFinal, opcode, payload };
  }

  #peek(length: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= length) return first.subarray(0, length);
    this.#chunks = [Buffer.concat(this.#chunks)];
    return (this.#chunks[0] ?? Buffer.alloc(0)).subarray(0, length);
  }

  /** A copy: what is unmasked must not be anybody else's. */
  #take(length: number): Buffer {
    const all = this.#chunks.length === 1 ? (this.#chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#chunks);
    this.#chunks = all.length > length ? [all.subarray(length)] : [];
    this.#length -= length;
    return Buffer.from(all.subarray(0, length));
  }
}

/** RFC 6455 §5.2: in the fewest bytes. */
function lengthOf(head: Buffer, short: number): number {
  const long = short < 126 ? short : short === 126 ? head.readUInt16BE(2) : Number(head.readBigUInt64BE(2));
  if ((short === 126 && long < 126) || (short === 127 && long < 65_536)) {
    throw new FrameProblem(1002, "a length is not written in the fewest bytes");
  }
  return long;
}

function mask(payload: Buffer, key: Buffer): void {
  for (let at = 0; at < payload.length; at++) payload[at] = (payload[at] ?? 0) ^ (key[at & 3] ?? 0);
}

/** A whole message, or a control frame, in one frame. */
export function writeFrame(opcode: number, payload: Uint8Array, isMasked: boolean): Buffer {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const start = 2 + lengthBytes + (isMasked ? 4 : 0);
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = 0x80 | opcode;
  frame[1] = (isMasked ? 0x80 : 0) | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2);
  if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(payload, start);
  if (!isMasked) return frame;
  const key = randomBytes(4);
  key.copy(frame, start - 4);
  mask(frame.subarray(start), key);
  return frame;
}

/** The payload of a close frame: a code, and words that are cut to what fits. */
export function closePayload(code: number, reason: string = ""): Buffer {
  let words = reason;
  while (Buffer.byteLength(words) > CONTROL_MAX - 2) words = words.slice(0, -1);
  const payload = Buffer.alloc(2 + Buffer.byteLength(words));
  payload.writeUInt16BE(code, 0);
  payload.write(words, 2);
  return payload;
}

/** The code of a close frame; undefined: it has none. Throws a {@link FrameProblem} where it has one that nobody may send. */
export function closeCode(payload: Buffer): number | undefined {
  if (payload.length === 0) return undefined;
  const code = payload.length === 1 ? 0 : payload.readUInt16BE(0);
  const isSound =
    (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);
  if (!isSound) throw new FrameProblem(1002, "a close code is none that may be sent");
  return code;
}
