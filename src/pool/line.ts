/**
 * Callers in line for a sandbox: first come, first served, and never more than a bound.
 *
 * @module
 */
import { promised } from "../sandbox/promised.ts";

/** How long to wait, and what ends it earlier. */
export interface WaitOptions {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  /** The error of a wait that took too long. */
  late(): Error;
  /** The error of an aborted wait. */
  aborted(signal: AbortSignal): Error;
}

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** Those who wait. */
export class Line<T> {
  readonly #waiters: Waiter<T>[] = [];

  get length(): number {
    return this.#waiters.length;
  }

  /** Stands in line. */
  wait({ signal, timeoutMs, late, aborted }: WaitOptions): Promise<T> {
    const { promise, resolve, reject } = promised<T>();
    const leave = (): void => {
      const place = this.#waiters.indexOf(waiter);
      if (place >= 0) this.#waiters.splice(place, 1);
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    const waiter: Waiter<T> = {
      resolve: (value) => {
        leave();
        resolve(value);
      },
      reject: (error) => {
        leave();
        reject(error);
      },
    };
    const abort = (): void => {
      if (signal !== undefined) waiter.reject(aborted(signal));
    };
    const timer = setTimeout(() => waiter.reject(late()), timeoutMs);
    this.#waiters.push(waiter);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
    return promise;
  }

  /** Serves the first; there is one. */
  serve(value: T): void {
    this.#waiters[0]?.resolve(value);
  }

  /** Sends the first away. Whether there was one. */
  refuse(error: unknown): boolean {
    const [first] = this.#waiters;
    first?.reject(error);
    return first !== undefined;
  }

  /** Sends all away. */
  close(error: unknown): void {
    while (this.refuse(error));
  }
}
