/**
 * The open streams by number, and the line of those who wait for a free one.
 *
 * @module
 */
import { MAX_STREAMS } from "./protocol.ts";

/** Streams by number. The host's are odd. */
export class StreamTable<T> {
  readonly #streams = new Map<number, T>();
  readonly #line: (() => void)[] = [];
  /** Places that someone has been told of and has not taken yet. */
  #promised = 0;
  #next = 1;

  get(stream: number): T | undefined {
    return this.#streams.get(stream);
  }

  /**
   * Settles when there is a place, in order; {@link add} must follow at once.
   *
   * @throws The signal's reason, if it is aborted first.
   */
  async vacancy(signal?: AbortSignal): Promise<void> {
    if (this.#streams.size + this.#promised < MAX_STREAMS) {
      this.#promised++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
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

  /** Gives a stream its number; returns what `first` makes of it. */
  add<R>(stream: T, first: (number: number) => R): R {
    this.#promised--;
    while (this.#streams.has(this.#next)) this.#advance();
    try {
      const result = first(this.#next);
      this.#streams.set(this.#next, stream);
      this.#advance();
      return result;
    } catch (error) {
      // The place is free again, for the next in the line.
      this.#admit();
      throw error;
    }
  }

  /** Frees a number. */
  remove(stream: number): void {
    this.#streams.delete(stream);
    this.#admit();
  }

  /** Takes all streams out, and lets everyone in the line go on. */
  clear(): T[] {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    while (this.#line.length > 0) this.#admit();
    return streams;
  }

  #admit(): void {
    const take = this.#line.shift();
    if (take === undefined) return;
    this.#promised++;
    take();
  }

  #advance(): void {
    this.#next = (this.#next + 2) >>> 0;
  }
}
