/**
 * A bounded number of places, and the line of those who wait for one.
 *
 * @module
 */

/** Connections to a sandbox's ports that may be open at once: streams of the link that commands do not get. */
export const CONNECTIONS_MAX = 512;

/** Places that are taken in the order of asking. */
export class Slots {
  #free: number;
  readonly #line: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Takes a place; settles with what gives it back, which may be called more than once.
   *
   * @throws The signal's reason, if it is aborted first.
   */
  async take(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal);
    return this.#held();
  }

  /** Takes a place if there is one now. */
  tryTake(): (() => void) | undefined {
    if (this.#free === 0) return undefined;
    this.#free--;
    return this.#held();
  }

  #held(): () => void {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = this.#line.shift();
      if (next === undefined) this.#free++;
      else next();
    };
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const take = () => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#line.splice(this.#line.indexOf(take), 1);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", leave, { once: true });
      this.#line.push(take);
    });
  }
}
