/**
 * Cuts the byte stream from a warden into frames.
 *
 * @module
 */
import { violation } from "./codec.ts";
import { HEADER_BYTES, MAX_PAYLOAD_BYTES } from "./protocol.ts";

/** One frame. `payload` is a view of what was read, which is not used again. */
export interface Frame {
  readonly type: number;
  readonly channel: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/**
 * A push parser: give it chunks, it calls back with whole frames. It holds at most one frame.
 *
 * @throws {SandboxError} PROTOCOL_VIOLATION If a header is malformed or announces more than the protocol allows.
 */
export class FrameParser {
  readonly #onFrame: (frame: Frame) => void;
  readonly #maxPayloadBytes: number;
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  constructor(onFrame: (frame: Frame) => void, maxPayloadBytes: number = MAX_PAYLOAD_BYTES) {
    this.#onFrame = onFrame;
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** Takes the next bytes, whatever their boundaries. */
  push(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#pendingBytes > 0) {
      this.#pending.push(chunk);
      this.#pendingBytes += chunk.length;
      if (this.#pendingBytes < this.#wanted()) return;
      bytes = this.#pending.length === 1 ? chunk : Buffer.concat(this.#pending);
      this.#pending = [];
      this.#pendingBytes = 0;
    }
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const size = this.#payloadSize(bytes, at);
      if (bytes.length - at < HEADER_BYTES + size) break;
      const start = at + HEADER_BYTES;
      this.#onFrame({
        type: bytes.readUInt8(at + 4),
        channel: bytes.readUInt8(at + 5),
        stream: bytes.readUInt32LE(at + 8),
        payload: bytes.subarray(start, start + size),
      });
      at = start + size;
    }
    if (at < bytes.length) {
      this.#pending = [bytes.subarray(at)];
      this.#pendingBytes = bytes.length - at;
    }
  }

  /** How many bytes must be there before it is worth joining them. */
  #wanted(): number {
    const first = this.#pending[0];
    if (first === undefined || first.length < HEADER_BYTES) return HEADER_BYTES;
    return HEADER_BYTES + this.#payloadSize(first, 0);
  }

  #payloadSize(bytes: Buffer, at: number): number {
    const size = bytes.readUInt32LE(at);
    if (size > this.#maxPayloadBytes) throw violation(`a frame announces ${size} bytes`);
    if (bytes.readUInt16LE(at + 6) !== 0) throw violation("a frame's reserved bytes are not zero");
    return size;
  }
}
