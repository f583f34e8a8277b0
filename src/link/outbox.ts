/**
 * What is to be sent: frames of one turn of the event loop leave in one write.
 *
 * @module
 */
import type { Writable } from "node:stream";

/** Bytes that may wait for the end of a turn before pumps of input should pause. */
const QUEUE_BYTES_MAX = 1_048_576;

/** Up to so many bytes of a turn are put together before they are written. */
const COPIED_MAX = 16_384;

/** The sending half of a link. */
export class Outbox {
  readonly #output: Writable;
  #frames: Buffer[] = [];
  #bytes = 0;
  #waiting: (() => void)[] = [];

  constructor(output: Writable) {
    this.#output = output;
    output.on("drain", () => this.#wake());
  }

  /** Sends a whole frame, however congested the link is: whoever sends much asks {@link congested} first. */
  send(frame: Buffer): void {
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#frames.length === 1) queueMicrotask(() => this.flush());
  }

  /** Whether the other side reads more slowly than this one sends. */
  get congested(): boolean {
    return this.#bytes > QUEUE_BYTES_MAX || this.#output.writableNeedDrain;
  }

  /** Settles when {@link congested} may have ended, or the link has. */
  drained(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  flush(): void {
    const frames = this.#frames;
    const [first] = frames;
    if (first === undefined) return;
    this.#frames = [];
    const bytes = this.#bytes;
    this.#bytes = 0;
    // After the end of the stream a write would only be an error about an error.
    if (!this.#output.writable || this.#write(frames, first, bytes)) this.#wake();
  }

  /** Few bytes are cheaper copied than listed. */
  #write(frames: readonly Buffer[], first: Buffer, bytes: number): boolean {
    if (frames.length === 1) return this.#output.write(first);
    if (bytes <= COPIED_MAX) return this.#output.write(Buffer.concat(frames, bytes));
    this.#output.cork();
    for (const frame of frames) this.#output.write(frame);
    this.#output.uncork();
    return !this.#output.writableNeedDrain;
  }

  /** Drops what was not sent, and lets go of whoever waits. */
  stop(): void {
    this.#frames = [];
    this.#bytes = 0;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
