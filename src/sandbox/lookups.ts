/**
 * Names of one sandbox looked up a few at a time: what a program asks for must not fill the line that all of this process waits in.
 *
 * @module
 */
import { type Resolver, systemResolver } from "../egress/mod.ts";
import { failure } from "./connection-failures.ts";
import { Slots } from "./ports/slots.ts";

/** getaddrinfo(3) cannot be called off, and of a process's threads two may be in it: one sandbox leaves one to all others. */
const OF_SYSTEM_MAX = 1;
const OF_RESOLVER_MAX = 16;

/** How long a name may take, the wait for its turn included, in milliseconds. */
const LOOKUP_MS = 30_000;

/** A name that is looked up, or waits for its turn. */
interface Lookup {
  readonly found: Promise<readonly string[]>;
  /** Aborted when nobody wants to know any more. */
  readonly nobody: AbortController;
  waiting: number;
}

/** Looks names up, each once for all who ask meanwhile. */
export class Lookups {
  readonly #resolver: Resolver;
  readonly #slots: Slots;
  readonly #open = new Map<string, Lookup>();

  /** @param resolver Absent: the machine's. */
  constructor(resolver: Resolver | undefined) {
    this.#resolver = resolver ?? systemResolver;
    this.#slots = new Slots(resolver === undefined ? OF_SYSTEM_MAX : OF_RESOLVER_MAX);
  }

  /**
   * The addresses of a name.
   *
   * @throws {Error} What the resolver throws; with the `code` `ETIMEDOUT` if it takes too long.
   * @throws The signal's reason, if it is aborted first.
   */
  async find(host: string, signal: AbortSignal): Promise<readonly string[]> {
    signal.throwIfAborted();
    const lookup = this.#open.get(host) ?? this.#begin(host);
    lookup.waiting++;
    try {
      return await soon(lookup.found, signal);
    } finally {
      if (--lookup.waiting === 0) lookup.nobody.abort();
    }
  }

  #begin(host: string): Lookup {
    const nobody = new AbortController();
    const lookup: Lookup = { found: this.#run(host, nobody.signal), nobody, waiting: 0 };
    const forget = (): void => {
      if (this.#open.get(host) === lookup) this.#open.delete(host);
    };
    this.#open.set(host, lookup);
    // Whoever asks next asks anew.
    nobody.signal.addEventListener("abort", forget, { once: true });
    lookup.found.then(forget, forget);
    return lookup;
  }

  async #run(host: string, signal: AbortSignal): Promise<readonly string[]> {
    const give = await this.#slots.take(signal);
    const late = setTimeout(give, LOOKUP_MS);
    late.unref();
    try {
      return await this.#resolver(host);
    } finally {
      clearTimeout(late);
      give();
    }
  }
}

function soon<T>(value: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => finish(() => reject(signal.reason));
    const late = setTimeout(() => finish(() => reject(failure("ETIMEDOUT"))), LOOKUP_MS);
    const finish = (settle: () => void): void => {
      clearTimeout(late);
      signal.removeEventListener("abort", leave);
      settle();
    };
    signal.addEventListener("abort", leave, { once: true });
    value.then(
      (found) => finish(() => resolve(found)),
      (error: unknown) => finish(() => reject(error)),
    );
  });
}
