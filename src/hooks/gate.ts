/**
 * How many decisions run at one time, and how many wait for that.
 *
 * @module
 */

/** Something that waits for its turn. */
export interface Waiter {
  /** Its turn has come: it holds a place, and leaves. */
  start(): void;
  /** There will be no turn. */
  cancel(): void;
}

/** A number of places, and a line before them: first come, first served. */
export class Gate {
  readonly #places: number;
  readonly #longest: number;
  readonly #line = new Set<Waiter>();
  #taken = 0;
  #serving = false;

  constructor(places: number, longest: number) {
    this.#places = places;
    this.#longest = longest;
  }

  /** Takes a place, unless none is free or others were first. */
  enter(): boolean {
    if (this.#taken >= this.#places || this.#line.size > 0) return false;
    this.#taken++;
    return true;
  }

  /** Stands in line; false: it is too long already. */
  wait(waiter: Waiter): boolean {
    if (this.#line.size >= this.#longest) return false;
    this.#line.add(waiter);
    return true;
  }

  /** Steps out of the line. */
  forget(waiter: Waiter): void {
    this.#line.delete(waiter);
  }

  /** Gives a place back. */
  leave(): void {
    this.#taken--;
    // Who is served may leave at once: a loop, for a recursion would be as deep as the line is long.
    if (this.#serving) return;
    this.#serving = true;
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) next.start();
    } finally {
      this.#serving = false;
    }
  }

  /** Sends everybody in the line away. */
  close(): void {
    const line = [...this.#line];
    this.#line.clear();
    for (const waiter of line) waiter.cancel();
  }

  #next(): Waiter | undefined {
    if (this.#taken >= this.#places) return undefined;
    const [first] = this.#line;
    if (first === undefined) return undefined;
    this.#line.delete(first);
    this.#taken++;
    return first;
  }
}
