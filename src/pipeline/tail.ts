/**
 * The end of what a program printed.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { outputScrubber } from "../credentials/mod.ts";
import { RunningSandbox, type Sandbox } from "../sandbox/running.ts";

const TAIL_CHARACTERS = 8192;
/** No character of UTF-16 takes more than three bytes of UTF-8. */
const TAIL_BYTES = TAIL_CHARACTERS * 3;

/** Keeps the end of a program's output, without the secrets that its sandbox knows: they go before anything is cut. */
export class OutputTail {
  readonly #scrubber: ReturnType<typeof outputScrubber>;
  #kept: Buffer = Buffer.alloc(0);

  constructor(sandbox: Sandbox) {
    this.#scrubber = outputScrubber(RunningSandbox.secretsOf(sandbox));
  }

  push(bytes: Uint8Array): void {
    this.#keep(this.#scrubber.push(bytes));
  }

  /** At most 8192 characters. */
  end(): string {
    this.#keep(this.#scrubber.end());
    return this.#kept.toString().slice(-TAIL_CHARACTERS);
  }

  #keep(bytes: Buffer): void {
    this.#kept = Buffer.from(Buffer.concat([this.#kept, bytes]).subarray(-TAIL_BYTES));
  }
}
