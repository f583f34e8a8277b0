/**
 * Takes secrets out of what a host says, as it comes.
 *
 * @module
 */
import { Transform, type TransformCallback } from "node:stream";
import { overlap } from "./guard-body.ts";
import type { Needle } from "./needles.ts";

/** So much of a secret that may have begun is kept back, in bytes. Less goes on at once: whoever waits for it must not wait for ever. */
const HELD_MIN = 6;

/** Finds secrets in a stream of bytes, also where they come in pieces. Length and order of everything stay. */
export class Scrubber {
  readonly #needles: () => readonly Needle[];
  readonly #heldMin: number;
  /** The end of what came, where a secret may have begun; the first `#said` bytes of it have gone on. */
  #tail: Buffer = Buffer.alloc(0);
  #said = 0;

  /**
   * @param needles asked with each chunk: values change.
   * @param heldMin in bytes; 1 where nobody waits: then nothing of a secret gets through.
   */
  constructor(needles: () => readonly Needle[], heldMin: number = HELD_MIN) {
    this.#needles = needles;
    this.#heldMin = heldMin;
  }

  /** What of it may go on now. */
  push(chunk: Uint8Array): Buffer {
    const needles = this.#needles();
    const bytes = cover(Buffer.concat([this.#tail, chunk]), needles);
    const begun = needles.reduce((most, needle) => Math.max(most, overlap(bytes, needle.bytes)), 0);
    const tailAt = bytes.length - begun;
    const heldAt = begun >= this.#heldMin ? Math.max(tailAt, this.#said) : bytes.length;
    const passed = bytes.subarray(this.#said, heldAt);
    this.#tail = Buffer.from(bytes.subarray(tailAt));
    this.#said = heldAt - tailAt;
    return passed;
  }

  /** The rest. */
  end(): Buffer {
    const rest = this.#tail.subarray(this.#said);
    this.#tail = Buffer.alloc(0);
    this.#said = 0;
    return rest;
  }
}

/** The same with every secret covered. */
export function cover(bytes: Buffer, needles: readonly Needle[]): Buffer {
  let covered = bytes;
  for (const needle of needles) {
    for (let at = bytes.indexOf(needle.bytes); at >= 0; at = bytes.indexOf(needle.bytes, at + 1)) {
      if (covered === bytes) covered = Buffer.from(bytes);
      needle.cover.copy(covered, at);
    }
  }
  return covered;
}

/** A text with every secret covered. Header lines are Latin-1. */
export function coverText(text: string, needles: readonly Needle[]): string {
  const bytes = Buffer.from(text, "latin1");
  const covered = cover(bytes, needles);
  return covered === bytes ? text : covered.toString("latin1");
}

/** The same for a stream. */
export class ScrubStream extends Transform {
  readonly #scrubber: Scrubber;

  constructor(scrubber: Scrubber) {
    super();
    this.#scrubber = scrubber;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    done(null, this.#scrubber.push(chunk));
  }

  override _flush(done: TransformCallback): void {
    done(null, this.#scrubber.end());
  }
}
