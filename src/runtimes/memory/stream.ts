/**
 * One stream of the link, from the warden's side: output within its credit, input, and one end.
 *
 * @module
 */
import { decodeMessage, encodeMessage, frame } from "../../link/codec.ts";
import { CHANNELS, FLAGS, INITIAL_CREDIT_BYTES, MAX_DATA_BYTES, MESSAGES, RAW_FRAMES } from "../../link/protocol.ts";

/** The output channels. */
export type OutputName = "stdout" | "stderr";

/** How a program ends. */
export interface Exit {
  readonly code?: number;
  readonly signal?: number;
  readonly flag?: keyof typeof FLAGS.exited;
}

const SIGKILL = 9;
/** SIGCONT, SIGCHLD, SIGURG and SIGWINCH end nothing. See signal(7). */
const HARMLESS: readonly number[] = [0, 17, 18, 23, 28];
const NO_BYTES = new Uint8Array(0);

/** A stream that is open. */
export class GuestStream {
  readonly number: number;
  readonly killed: AbortController = new AbortController();
  readonly input: Buffer[] = [];
  readonly #send: (frame: Buffer) => void;
  readonly #onGone: () => void;
  readonly #credit = { stdout: INITIAL_CREDIT_BYTES, stderr: INITIAL_CREDIT_BYTES };
  readonly #discarded = new Set<OutputName>();
  readonly #waiting = new Set<() => void>();
  readonly #ended: Promise<void>;
  #endInput: () => void = () => undefined;
  #over = false;

  constructor(number: number, send: (frame: Buffer) => void, onGone: () => void) {
    this.number = number;
    this.#send = send;
    this.#onGone = onGone;
    this.#ended = new Promise((resolve) => {
      this.#endInput = resolve;
    });
  }

  /** Settles with all of the input when it has ended. */
  async readInput(): Promise<Buffer> {
    await this.#ended;
    return Buffer.concat(this.input);
  }

  noInput(): void {
    this.#endInput();
  }

  /** Settles when all of it is sent: who is not read waits. */
  async write(channel: OutputName, data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length && !this.#over && !this.#discarded.has(channel); ) {
      const size = Math.min(data.length - at, this.#credit[channel], MAX_DATA_BYTES);
      if (size === 0) await new Promise<void>((resolve) => this.#waiting.add(resolve));
      else {
        this.#credit[channel] -= size;
        this.#send(frame(RAW_FRAMES.data, CHANNELS[channel], this.number, data.subarray(at, at + size)));
        at += size;
      }
    }
  }

  started(pid: number): void {
    if (!this.#over) this.#send(encodeMessage("started", { pid }, this.number));
  }

  /** It could not be done. */
  fail(stage: number, errno: number): void {
    if (this.#over) return;
    this.#send(encodeMessage("failed", { stage, errno }, this.number));
    this.#finish();
  }

  /** The first end counts. */
  exit({ code = 0, signal = 0, flag }: Exit): void {
    if (this.#over) return;
    const flags = flag === undefined ? 0 : FLAGS.exited[flag];
    this.#send(encodeMessage("exited", { code, signal, flags }, this.number));
    for (const channel of [CHANNELS.stdout, CHANNELS.stderr]) {
      this.#send(frame(RAW_FRAMES.end, channel, this.number, NO_BYTES));
    }
    this.#finish();
  }

  kill(flag: "killed" | "timedOut" = "killed"): void {
    this.exit({ signal: SIGKILL, flag });
  }

  /** Takes a frame that the host sent for it. */
  take(type: number, channel: number, payload: Buffer): void {
    if (type === RAW_FRAMES.data) this.#takeInput(payload);
    else if (type === RAW_FRAMES.end) this.#endInput();
    else if (type === MESSAGES.kill.id) this.kill();
    else if (type === MESSAGES.signal.id) this.#signal(decodeMessage("signal", payload).signal);
    else if (type === MESSAGES.credit.id) this.#grant(channel, decodeMessage("credit", payload).bytes);
    else if (type === MESSAGES.discard.id) this.#grant(channel, 0);
  }

  #takeInput(payload: Buffer): void {
    this.input.push(Buffer.from(payload));
    if (!this.#over) this.#send(encodeMessage("granted", { bytes: payload.length }, this.number));
  }

  #signal(number: number): void {
    if (!HARMLESS.includes(number)) this.exit({ signal: number });
  }

  #grant(channel: number, bytes: number): void {
    const name = channel === CHANNELS.stdout ? "stdout" : "stderr";
    if (bytes === 0) this.#discarded.add(name);
    this.#credit[name] += bytes;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #finish(): void {
    this.#over = true;
    this.#send(encodeMessage("gone", {}, this.number));
    this.killed.abort();
    this.#endInput();
    this.#wake();
    this.#onGone();
  }
}
