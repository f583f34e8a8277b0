/**
 * Ctrl-C and the like, while a sandbox starts, runs and is looked at.
 *
 * @module
 */
import { constants } from "node:os";
import { SIGNAL_BASE } from "../exit-codes.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

type Signal = (typeof SIGNALS)[number];

/** Passes the first signal on, and ends everything at the second. */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #listener = (signal: Signal) => this.#came(signal);
  #pass: ((signal: Signal) => void) | undefined;
  #count = 0;
  #last: Signal | undefined;

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#listener);
  }

  /** Aborted when everything is to end. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether it is. */
  get ended(): boolean {
    return this.signal.aborted;
  }

  /** What a shell says of who was ended by what ended it. */
  get exitCode(): number {
    return SIGNAL_BASE + constants.signals[this.#last ?? "SIGTERM"];
  }

  /** From now on the first signal goes there; the result ends that. */
  passTo(pass: (signal: Signal) => void): () => void {
    this.#pass = pass;
    this.#count = 0;
    return () => {
      this.#pass = undefined;
    };
  }

  /** Ends everything now. */
  end(why: string): void {
    this.#controller.abort(new Error(why));
  }

  close(): void {
    for (const signal of SIGNALS) process.off(signal, this.#listener);
  }

  #came(signal: Signal): void {
    this.#count++;
    this.#last = signal;
    if (this.#pass !== undefined && this.#count === 1) {
      this.#pass(signal);
      return;
    }
    // Whoever insists does not wait for an end in good order: the sandbox ends with this process.
    if (this.#count > 2) process.exit(SIGNAL_BASE + constants.signals[signal]);
    this.#controller.abort(new Error(`it was interrupted by ${signal}`));
  }
}
