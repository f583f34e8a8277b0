/**
 * What files said that the sandbox opened, as hashes: nobody can read it back, and it can be found again in a call.
 *
 * @module
 */
import { Shingler } from "./shingles.ts";
import { breathe, SLICE, type Span } from "./spans.ts";

/** The most that is kept of all files of a sandbox: about nine megabytes of text. */
const HASHES_MAX = 2_097_152;

/** The most different lists of paths in the life of a sandbox. */
const SETS_MAX = 32;

/** A redaction goes on to the ends of its line, unless those are farther away, in characters. */
const LINE_MAX = 4096;

/** Hashes, and of which files they are. */
export class Fingerprints {
  readonly #shingler = new Shingler();
  readonly #sets = new Map<string, number>();
  #hashes = new Float64Array(1024);
  #masks = new Uint32Array(1024);
  #count = 0;

  /** Whether anything is known. */
  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** The bit that stands for a list of paths. Undefined: there were too many. */
  bitOf(paths: readonly string[]): number | undefined {
    const key = JSON.stringify(paths);
    const known = this.#sets.get(key);
    if (known !== undefined) return known;
    if (this.#sets.size >= SETS_MAX) return undefined;
    const bit = (1 << this.#sets.size) >>> 0;
    this.#sets.set(key, bit);
    return bit;
  }

  /** Keeps a file. False: there is no room for all of it. */
  async add(text: string, mask: number): Promise<boolean> {
    let fits = true;
    await this.#shingler.selected(text, (hash) => {
      fits = fits && this.#put(hash, mask);
    });
    return fits;
  }

  /** Where texts stand that are of files with one of these bits. */
  async find(text: string, mask: number): Promise<Span[]> {
    if (this.isEmpty || mask === 0) return [];
    const spans: Span[] = [];
    const feed = this.#shingler.text((hash, start, end) => {
      if (((this.#masks[this.#slot(hash)] as number) & mask) === 0) return;
      const last = spans.at(-1);
      if (last !== undefined && start <= last[1]) spans[spans.length - 1] = [last[0], end];
      else spans.push([start, end]);
    });
    for (let from = 0; from < text.length; from += SLICE) {
      if (from > 0) await breathe();
      feed(text, from, Math.min(text.length, from + SLICE));
    }
    return spans.map((span) => toLine(text, span));
  }

  #put(hash: number, mask: number): boolean {
    const slot = this.#slot(hash);
    if (this.#hashes[slot] === hash) {
      this.#masks[slot] = (this.#masks[slot] as number) | mask;
      return true;
    }
    if (this.#count >= HASHES_MAX) return false;
    this.#hashes[slot] = hash;
    this.#masks[slot] = mask;
    this.#count++;
    if (this.#count * 2 > this.#hashes.length) this.#grow();
    return true;
  }

  /** Where a hash is, or would be. */
  #slot(hash: number): number {
    const last = this.#hashes.length - 1;
    let slot = Math.floor(hash / 0x20_0000) & last;
    while (this.#hashes[slot] !== 0 && this.#hashes[slot] !== hash) slot = (slot + 1) & last;
    return slot;
  }

  #grow(): void {
    const [hashes, masks] = [this.#hashes, this.#masks];
    this.#hashes = new Float64Array(hashes.length * 2);
    this.#masks = new Uint32Array(hashes.length * 2);
    for (const [index, hash] of hashes.entries()) {
      if (hash === 0) continue;
      const slot = this.#slot(hash);
      this.#hashes[slot] = hash;
      this.#masks[slot] = masks[index] as number;
    }
  }
}

/** What is found may begin and end some letters late: the line that it is in is its file's. */
function toLine(text: string, [start, end]: Span): Span {
  const before = text.lastIndexOf("\n", start - 1) + 1;
  const after = text.indexOf("\n", end);
  return [
    start - before > LINE_MAX ? start : before,
    after < 0 || after - end > LINE_MAX ? Math.min(text.length, after < 0 ? text.length : end) : after,
  ];
}
