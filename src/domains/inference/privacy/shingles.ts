/**
 * Texts as the hashes of everything in them that is 20 letters and digits long, whatever stands between those.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { breathe, SLICE } from "./spans.ts";

/** The letters and digits of a shingle. */
export const SHINGLE = 20;

/** Of so many shingles that follow one another, one is kept: any {@link SHINGLE} + WINDOW - 1 letters have one of those. */
export const WINDOW = 8;

/** Called with each: its hash, and where it stands. */
export type VisitShingle = (hash: number, start: number, end: number) => void;

/** Hashes in one way for as long as it lives; nobody else can tell what a hash is of. */
export class Shingler {
  readonly #first: number;
  readonly #second: number;
  readonly #firstOut: number;
  readonly #secondOut: number;

  constructor() {
    const random = randomBytes(8);
    this.#first = random.readUInt32LE(0) | 1;
    this.#second = random.readUInt32LE(4) | 1;
    this.#firstOut = power(this.#first, SHINGLE);
    this.#secondOut = power(this.#second, SHINGLE);
  }

  /** Begins a text. Give it in slices that follow one another. */
  text(visit: VisitShingle): (text: string, from: number, to: number) => void {
    const codes = new Int32Array(SHINGLE);
    const starts = new Float64Array(SHINGLE);
    let count = 0;
    let same = 0;
    let [one, two, last] = [0, 0, -1];
    return (text, from, to) => {
      for (let index = from; index < to; index++) {
        const code = letterOf(text.charCodeAt(index));
        if (code < 0) continue;
        const slot = count % SHINGLE;
        const out = count >= SHINGLE ? (codes[slot] as number) : 0;
        one = (Math.imul(one, this.#first) + code - Math.imul(out, this.#firstOut)) | 0;
        two = (Math.imul(two, this.#second) + code - Math.imul(out, this.#secondOut)) | 0;
        codes[slot] = code;
        starts[slot] = index;
        same = code === last ? same + 1 : 1;
        last = code;
        count++;
        // A row of one character says nothing.
        if (count < SHINGLE || same >= SHINGLE) continue;
        visit(joined(one, two), starts[count % SHINGLE] as number, index + 1);
      }
    };
  }

  /** Of a whole text: those that are kept. */
  async selected(text: string, keep: (hash: number) => void): Promise<void> {
    const recent = new Float64Array(WINDOW).fill(Infinity);
    let seen = 0;
    let kept = -1;
    const feed = this.text((hash) => {
      recent[seen++ % WINDOW] = hash;
      if (seen < WINDOW) return;
      const least = leastOf(recent);
      if (least !== kept) keep(least);
      kept = least;
    });
    for (let from = 0; from < text.length; from += SLICE) {
      if (from > 0) await breathe();
      feed(text, from, Math.min(text.length, from + SLICE));
    }
    if (seen > 0 && seen < WINDOW) keep(leastOf(recent));
  }
}

function leastOf(hashes: Float64Array): number {
  let least = Infinity;
  for (const hash of hashes) if (hash < least) least = hash;
  return least;
}

function power(base: number, exponent: number): number {
  let made = 1;
  for (let step = 0; step < exponent; step++) made = Math.imul(made, base);
  return made;
}

/** As many bits as a number holds exactly; never 0. */
function joined(one: number, two: number): number {
  return (one >>> 0) * 0x20_0000 + (two >>> 11) || 1;
}

/** What of a character counts: letters without their case, and digits; beyond ASCII everything but spaces. Less than 0: nothing. */
function letterOf(code: number): number {
  if (code >= 0x61 && code <= 0x7a) return code;
  if (code >= 0x41 && code <= 0x5a) return code + 0x20;
  if (code < 0x80) return code >= 0x30 && code <= 0x39 ? code : -1;
  const isSpace = code <= 0xa0 || (code >= 0x2000 && code <= 0x206f) || code === 0x3000 || code >= 0xfe00;
  return isSpace ? -1 : code;
}
