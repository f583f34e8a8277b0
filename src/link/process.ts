/**
 * A stream of the link that runs something: a program, or a file operation.
 *
 * @module
 */
import type { SandboxError } from "../errors.ts";
import { OutputCredit, type OutputSink } from "./channel.ts";
import { encodeMessage, frame, violation } from "./codec.ts";
import type { Link, StreamHandler } from "./link.ts";
import { CHANNELS, FLAGS, INITIAL_CREDIT_BYTES, MAX_DATA_BYTES, type MessageValues, RAW_FRAMES } from "./protocol.ts";

/** How the first process ended. */
export interface ProcessExit {
  readonly code: number;
  /** 0: it was not ended by a signal. */
  readonly signal: number;
  readonly timedOut: boolean;
  /** Whether the host killed the tree, or something in it killed the tree's shepherd. */
  readonly killed: boolean;
}

/** What a stream's owner wants to hear. Everything but output comes once. */
export interface ProcessEvents {
  readonly stdout: OutputSink;
  readonly stderr: OutputSink;
  onStarted(pid: number): void;
  onExited(exit: ProcessExit): void;
  onFailed(failure: MessageValues<"failed">): void;
  /** Nothing of the tree is left. */
  onGone(): void;
  onLost(error: SandboxError): void;
}

/** A running stream. Everything but output may be asked of it at any time; what comes too late is ignored. */
export class LinkProcess implements StreamHandler {
  readonly #link: Link;
  readonly #events: ProcessEvents;
  readonly #credits: readonly [OutputCredit, OutputCredit];
  #stream = 0;
  #inputCredit: number = INITIAL_CREDIT_BYTES;
  #inputWaiting: (() => void)[] = [];
  #inputEnded = false;
  #state: "opening" | "running" | "exited" | "failed" | "over" = "opening";

  private constructor(link: Link, events: ProcessEvents) {
    this.#link = link;
    this.#events = events;
    const credit = (channel: number) =>
      new OutputCredit((bytes) => this.#send(encodeMessage("credit", { bytes }, this.#stream, channel)));
    this.#credits = [credit(CHANNELS.stdout), credit(CHANNELS.stderr)];
  }

  /** Opens a stream with the frame that `first` makes for its number. */
  static async open(link: Link, events: ProcessEvents, first: (stream: number) => Buffer): Promise<LinkProcess> {
    const process = new LinkProcess(link, events);
    await link.open(process, (stream) => {
      process.#stream = stream;
      return first(stream);
    });
    return process;
  }

  /** The reader of a channel has taken so many bytes. */
  taken(channel: number, bytes: number): void {
    if (this.#state !== "over") this.#credit(channel).taken(bytes);
  }

  /** Nothing more of this channel is wanted. */
  discard(channel: number): void {
    if (!this.#credit(channel).ended) this.#send(encodeMessage("discard", {}, this.#stream, channel));
  }

  /** Writes to standard input, as fast as the program reads. Settles when everything is sent; false: nobody reads. */
  async write(data: Uint8Array): Promise<boolean> {
    for (let at = 0; at < data.length; ) {
      while (this.#inputCredit === 0 && this.#acceptsInput()) {
        await new Promise<void>((resolve) => this.#inputWaiting.push(resolve));
      }
      if (!this.#acceptsInput()) return false;
      const size = Math.min(data.length - at, this.#inputCredit, MAX_DATA_BYTES);
      this.#inputCredit -= size;
      this.#send(frame(RAW_FRAMES.data, CHANNELS.stdin, this.#stream, data.subarray(at, at + size)));
      at += size;
      if (this.#link.congested) await this.#link.drained();
    }
    return this.#acceptsInput();
  }

  endInput(): void {
    if (this.#inputEnded) return;
    this.#inputEnded = true;
    this.#send(frame(RAW_FRAMES.end, CHANNELS.stdin, this.#stream, EMPTY));
    this.#wakeInput();
  }

  signal(number: number): void {
    this.#send(encodeMessage("signal", { signal: number }, this.#stream));
  }

  resize(rows: number, columns: number): void {
    this.#send(encodeMessage("resize", { rows, columns }, this.#stream));
  }

  /** Kills everything that the stream started. */
  kill(): void {
    this.#send(encodeMessage("kill", {}, this.#stream));
  }

  /* ---- what comes from the link ---- */

  onStarted({ pid }: MessageValues<"started">): void {
    if (this.#state !== "opening") throw violation("started came out of turn");
    this.#state = "running";
    this.#events.onStarted(pid);
  }

  onExited({ code, signal, flags }: MessageValues<"exited">): void {
    // Killed before it started: then it exits without having been reported.
    if (this.#state !== "running" && this.#state !== "opening") throw violation("exited came out of turn");
    this.#state = "exited";
    this.#events.onExited({
      code,
      signal,
      timedOut: (flags & FLAGS.exited.timedOut) !== 0,
      killed: (flags & FLAGS.exited.killed) !== 0,
    });
    this.#wakeInput();
  }

  onFailed(failure: MessageValues<"failed">): void {
    if (this.#state !== "opening") throw violation("failed came out of turn");
    this.#state = "failed";
    this.#events.onFailed(failure);
    this.#wakeInput();
  }

  onGone(): void {
    const ended = this.#state === "failed" || this.#credits.every((credit) => credit.ended);
    if ((this.#state !== "exited" && this.#state !== "failed") || !ended) throw violation("gone came out of turn");
    this.#state = "over";
    this.#events.onGone();
  }

  onGranted(channel: number, bytes: number): void {
    if (channel !== CHANNELS.stdin || bytes > INITIAL_CREDIT_BYTES - this.#inputCredit) {
      throw violation("more input was granted than was sent");
    }
    this.#inputCredit += bytes;
    this.#wakeInput();
  }

  onData(channel: number, data: Buffer): void {
    if (data.length > MAX_DATA_BYTES || this.#state === "failed") throw violation("data came out of turn");
    this.#credit(channel).arrived(data.length);
    this.#sink(channel).onData(data);
  }

  onEnd(channel: number): void {
    this.#credit(channel).end();
    this.#sink(channel).onEnd();
  }

  onLost(error: SandboxError): void {
    this.#state = "over";
    this.#wakeInput();
    this.#events.onLost(error);
  }

  #acceptsInput(): boolean {
    return !this.#inputEnded && (this.#state === "opening" || this.#state === "running");
  }

  #wakeInput(): void {
    for (const resolve of this.#inputWaiting.splice(0)) resolve();
  }

  #credit(channel: number): OutputCredit {
    if (channel === CHANNELS.stdout) return this.#credits[0];
    if (channel === CHANNELS.stderr) return this.#credits[1];
    throw violation(`there is no output channel ${channel}`);
  }

  #sink(channel: number): OutputSink {
    return channel === CHANNELS.stdout ? this.#events.stdout : this.#events.stderr;
  }

  #send(bytes: Buffer): void {
    if (this.#state !== "over") this.#link.send(bytes);
  }
}

const EMPTY = new Uint8Array(0);
