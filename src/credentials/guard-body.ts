/**
 * Bodies of requests that must not hold a placeholder.
 *
 * @module
 */
import { Transform, type TransformCallback } from "node:stream";

/** Lets bytes pass until the mark comes: then it fails with what `toError` makes of the text around it. */
export class BodyGuard extends Transform {
  readonly #mark: Buffer;
  readonly #toError: (around: string) => Error;
  /** The end of what came, where the mark may have begun. */
  #held: Buffer = Buffer.alloc(0);

  constructor(mark: string, toError: (around: string) => Error) {
    super();
    this.#mark = Buffer.from(mark);
    this.#toError = toError;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const at = bytes.indexOf(this.#mark);
    if (at >= 0) {
      done(this.#toError(bytes.toString("latin1", Math.max(0, at - AROUND), at + AROUND)));
      return;
    }
    const begun = overlap(bytes, this.#mark);
    this.#held = bytes.subarray(bytes.length - begun);
    done(null, bytes.subarray(0, bytes.length - begun));
  }

  override _flush(done: TransformCallback): void {
    done(null, this.#held);
  }
}

/** What of a placeholder stands before and after its mark, at most. */
const AROUND = 256;

/** How much of the end of `bytes` is the beginning of `text`. */
export function overlap(bytes: Buffer, text: Buffer): number {
  const first = text[0] ?? 0;
  const from = Math.max(0, bytes.length - text.length + 1);
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    const length = bytes.length - at;
    if (bytes.compare(text, 0, length, at) === 0) return length;
  }
  return 0;
}
