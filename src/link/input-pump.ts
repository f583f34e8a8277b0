/**
 * Input on its way to a stream: never more than was granted, and one write after the other.
 *
 * @module
 */
import { violation } from "./codec.ts";
import type { Link } from "./link.ts";
import { INITIAL_CREDIT_BYTES, MAX_DATA_BYTES, RAW_FRAMES } from "./protocol.ts";

/** Sends a frame of that type with those bytes. */
type SendFrame = (type: number, data: Uint8Array) => void;

const NO_BYTES = new Uint8Array(0);

/** Paces the input of one stream. */
export class InputPump {
  readonly #link: Link;
  readonly #send: SendFrame;
  #credit: number = INITIAL_CREDIT_BYTES;
  /** The last write that was asked for. */
  #last: Promise<unknown> = Promise.resolve();
  /** How many of them are not done yet. */
  #writing = 0;
  #ending = false;
  #stopped = false;
  #wake: () => void = () => undefined;

  constructor(link: Link, send: SendFrame) {
    this.#link = link;
    this.#send = send;
  }

  /** Settles when everything is sent; false: nobody reads, or the input was ended before. */
  write(data: Uint8Array): Promise<boolean> {
    if (this.#ending) return Promise.resolve(false);
    this.#writing++;
    const written = this.#last.then(() => this.#pump(data)).finally(() => this.#writing--);
    this.#last = written;
    return written;
  }

  /** Sends it now, where nothing stands in its way; false: nothing was sent. */
  offer(data: Uint8Array): boolean {
    const isFree = this.#writing === 0 && !this.#ending && !this.#stopped && !this.#link.congested;
    if (!isFree || data.length > this.#credit) return false;
    for (let at = 0; at < data.length; ) at += this.#sendSome(data, at);
    return true;
  }

  /** Ends the input, after what was written before. */
  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    void this.#last.then(() => {
      if (!this.#stopped) this.#send(RAW_FRAMES.end, NO_BYTES);
    });
  }

  /** The other side takes so many more bytes. */
  granted(bytes: number): void {
    if (bytes === 0 || bytes > INITIAL_CREDIT_BYTES - this.#credit)
      throw violation("more input was granted than was sent");
    this.#credit += bytes;
    this.#wake();
  }

  /** Nobody reads any more. */
  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  async #pump(data: Uint8Array): Promise<boolean> {
    for (let at = 0; at < data.length && !this.#stopped; ) {
      if (this.#link.congested) await this.#link.drained();
      else if (this.#credit === 0) await this.#change();
      else at += this.#sendSome(data, at);
    }
    return !this.#stopped;
  }

  #sendSome(data: Uint8Array, at: number): number {
    const size = Math.min(data.length - at, this.#credit, MAX_DATA_BYTES);
    this.#credit -= size;
    this.#send(RAW_FRAMES.data, data.subarray(at, at + size));
    return size;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
