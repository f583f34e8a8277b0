/**
 * Output between the link and whoever reads it. It holds at most what was granted.
 *
 * @module
 */

/** A queue of pieces with one reader. */
export class OutputQueue<T> {
  #items: T[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #error: unknown;

  push(item: T): void {
    if (this.#ended) return;
    this.#items.push(item);
    this.#wake?.();
  }

  /** Puts a piece that came before the end, even if the end is known already. */
  pushEarly(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  /** Nothing more comes. With an error, the reader gets it after what is there. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#wake?.();
  }

  /** The next piece; undefined after the last. */
  async next(): Promise<T | undefined> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) return item;
      if (this.#ended) {
        if (this.#error !== undefined) throw this.#error;
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  /** Drops what is there. */
  clear(): T[] {
    return this.#items.splice(0);
  }
}
