/**
 * One direction of output with credit: what came and was not taken yet, never more than was granted.
 *
 * @module
 */
import { violation } from "./codec.ts";
import { INITIAL_CREDIT_BYTES } from "./protocol.ts";

/** Where an output channel's news go. */
export interface OutputSink {
  /** Bytes came: a view of what was read, which others may share. */
  onData(data: Buffer): void;
  onEnd(): void;
}

/** Counts what the sender may still send. */
export class OutputCredit {
  readonly #grant: (bytes: number) => void;
  #left: number = INITIAL_CREDIT_BYTES;
  #taken = 0;
  #ended = false;
  #discarded = false;

  /** @param grant Sends a grant to the other side. */
  constructor(grant: (bytes: number) => void) {
    this.#grant = grant;
  }

  /** Bytes arrived: fails if they were not granted. */
  arrived(bytes: number): void {
    if (this.#ended) throw violation("data came after the end of its channel");
    if (bytes > this.#left) throw violation("more data came than was granted");
    this.#left -= bytes;
  }

  /** Bytes were taken by whoever reads: they may come again. Granted in halves, to save frames. */
  taken(bytes: number): void {
    this.#taken += bytes;
    if (this.#ended || this.#discarded || this.#taken < INITIAL_CREDIT_BYTES / 2) return;
    this.#left += this.#taken;
    this.#grant(this.#taken);
    this.#taken = 0;
  }

  end(): void {
    if (this.#ended) throw violation("a channel ended twice");
    this.#ended = true;
  }

  /** Nothing more is wanted. Whether the other side is to be told. */
  discard(): boolean {
    if (this.#ended || this.#discarded) return false;
    this.#discarded = true;
    return true;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get discarded(): boolean {
    return this.#discarded;
  }
}
