/**
 * Finds out when the other side is gone without an end of the stream.
 *
 * @module
 */
import { violation } from "./codec.ts";

/** Heartbeats that may go unanswered. */
const UNANSWERED_MAX = 3;
/** The longest time that a timer takes: a longer one would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** What a heartbeat does. */
export interface HeartbeatOptions {
  /** In milliseconds. */
  readonly everyMs: number;
  ping(nonce: number): void;
  /** Called once, when so many pings were not answered in time. */
  silent(unanswered: number): void;
}

/** Pings, and counts the answers. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #everyMs: number;
  #timer: ReturnType<typeof setInterval> | undefined;
  #sent = 0;
  #answered = 0;
  #awaited: { readonly count: number; resolve(): void } | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#everyMs = options.everyMs;
  }

  start(): void {
    this.#timer = setInterval(() => this.#beat(), Math.min(this.#everyMs, TIMER_MS_MAX));
    // A sandbox that nobody waits for must not keep the process alive. Not every runtime has timers that are objects.
    if (typeof this.#timer === "object") this.#timer.unref();
  }

  /** Goes on at another pace. */
  every(milliseconds: number): void {
    if (milliseconds === this.#everyMs) return;
    this.#everyMs = milliseconds;
    this.stop();
    this.start();
  }

  /** Asks for a sign of life; settles when it came. One at a time. */
  answer(): Promise<void> {
    return new Promise((resolve) => {
      this.#awaited = { count: ++this.#sent, resolve };
      this.#options.ping(nonceOf(this.#sent));
    });
  }

  /** An answer came: they come in the order of the questions. */
  answered(nonce: number): void {
    if (this.#answered === this.#sent || nonce !== nonceOf(this.#answered + 1)) throw violation("a pong came unasked");
    if (++this.#answered === this.#awaited?.count) this.#awaited.resolve();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const unanswered = this.#sent - this.#answered;
    if (unanswered < UNANSWERED_MAX) {
      this.#options.ping(nonceOf(++this.#sent));
      return;
    }
    this.stop();
    this.#options.silent(unanswered);
  }
}

function nonceOf(count: number): number {
  return count >>> 0;
}
