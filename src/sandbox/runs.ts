/**
 * Which of two things came when: lengths of uninterrupted runs. A number for each change costs little, even if a hostile
 * program alternates with every byte.
 *
 * @module
 */

/** How many runs are read before their places are given back. */
const COMPACT_AFTER = 1024;

/** Runs of two kinds, in order. */
export class Runs<K> {
  readonly #kinds: readonly [K, K];
  /** Positive: of the first kind; negative: of the second. */
  #lengths: number[] = [];
  #at = 0;

  constructor(kinds: readonly [K, K]) {
    this.#kinds = kinds;
  }

  add(kind: K, length: number): void {
    const signed = kind === this.#kinds[0] ? length : -length;
    const last = this.#lengths.length - 1;
    const before = last >= this.#at ? (this.#lengths[last] ?? 0) : 0;
    if (before * signed > 0) this.#lengths[last] = before + signed;
    else this.#lengths.push(signed);
  }

  first(): { readonly of: K; readonly length: number } | undefined {
    const signed = this.#lengths[this.#at];
    if (signed === undefined) return undefined;
    return { of: this.#kinds[signed > 0 ? 0 : 1], length: Math.abs(signed) };
  }

  /** Takes so much off the first run, which is at least as long. */
  take(length: number): void {
    const signed = this.#lengths[this.#at] ?? 0;
    const left = signed > 0 ? signed - length : signed + length;
    this.#lengths[this.#at] = left;
    if (left === 0) this.#at++;
    if (this.#at < COMPACT_AFTER || this.#at * 2 < this.#lengths.length) return;
    this.#lengths = this.#lengths.slice(this.#at);
    this.#at = 0;
  }

  clear(): void {
    this.#lengths = [];
    this.#at = 0;
  }
}
