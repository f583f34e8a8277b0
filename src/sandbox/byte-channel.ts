/**
 * The bytes of one channel between the link and its reader. It holds at most what was granted.
 *
 * @module
 */
import { ByteQueue } from "../link/byte-queue.ts";

/** The longest piece that a reader gets, in bytes. */
export const PIECE_BYTES_MAX = 65_536;

/** A channel with one reader. */
export class ByteChannel {
  readonly #queue = new ByteQueue();
  #wake: () => void = () => undefined;
  #ended = false;
  #error: unknown;

  push(data: Uint8Array): void {
    if (this.#ended) return;
    this.#queue.push(data);
    this.#wake();
  }

  /** Nothing more comes. With an error, the reader gets it after what is there. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#wake();
  }

  /** The next piece; undefined after the last. One call at a time. */
  async next(max: number = PIECE_BYTES_MAX): Promise<Uint8Array | undefined> {
    while (this.#queue.size === 0) {
      if (this.#ended) {
        if (this.#error !== undefined) throw this.#error;
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#queue.take(Math.min(max, PIECE_BYTES_MAX));
  }

  /** Drops what is there. */
  clear(): void {
    this.#queue.clear();
  }
}
