/**
 * A stream of the link that runs something: a program, or a file operation.
 *
 * @module
 */
import type { SandboxError } from "../errors.ts";
import { OutputCredit, type OutputSink } from "./channel.ts";
import { encodeMessage, frame, violation } from "./codec.ts";
import type { StreamHandler } from "./handlers.ts";
import { InputPump } from "./input-pump.ts";
import type { Link } from "./link.ts";
import { CHANNELS, FLAGS, MAX_DATA_BYTES, type MessageValues } from "./protocol.ts";

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

const OUTPUT_CHANNELS = [CHANNELS.stdout, CHANNELS.stderr] as const;

/** A running stream. Everything but output may be asked of it at any time; what comes too late is ignored. */
export class LinkProcess implements StreamHandler {
  readonly #link: Link;
  readonly #events: ProcessEvents;
  readonly #credits: readonly [OutputCredit, OutputCredit];
  readonly #input: InputPump;
  #stream = 0;
  #state: "opening" | "running" | "exited" | "failed" | "over" = "opening";

  private constructor(link: Link, events: (process: LinkProcess) => ProcessEvents) {
    this.#link = link;
    const credit = (channel: number) =>
      new OutputCredit((bytes) => this.#send(encodeMessage("credit", { bytes }, this.#stream, channel)));
    this.#credits = [credit(CHANNELS.stdout), credit(CHANNELS.stderr)];
    this.#input = new InputPump(link, (type, data) => this.#send(frame(type, CHANNELS.stdin, this.#stream, data)));
    this.#events = events(this);
  }

  /**
   * Opens a stream with the frame that `first` makes for its number.
   *
   * @throws The signal's reason, if it is aborted while no number is free.
   */
  static async open(
    link: Link,
    events: (process: LinkProcess) => ProcessEvents,
    first: (stream: number) => Buffer,
    signal?: AbortSignal,
  ): Promise<LinkProcess> {
    const process = new LinkProcess(link, events);
    const numbered = (stream: number) => {
      process.#stream = stream;
      return first(stream);
    };
    await link.open(process, numbered, signal);
    return process;
  }

  /** The reader of a channel has taken so many bytes. */
  taken(channel: number, bytes: number): void {
    if (this.#state !== "over") this.#credit(channel).taken(bytes);
  }

  /** Nothing more of this channel is wanted: what still comes is dropped. */
  discard(channel: number): void {
    if (this.#credit(channel).discard()) this.#send(encodeMessage("discard", {}, this.#stream, channel));
  }

  /**
   * Writes to standard input, as fast as the program reads. Settles when everything is sent; false: nobody reads.
   * Writes go one after the other.
   */
  write(data: Uint8Array): Promise<boolean> {
    return this.#input.write(data);
  }

  /** Ends the input, after what was written before. */
  endInput(): void {
    this.#input.end();
  }

  signal(number: number): void {
    this.#send(encodeMessage("signal", { signal: number }, this.#stream));
  }

  resize(rows: number, columns: number): void {
    this.#send(encodeMessage("resize", { rows, columns }, this.#stream));
  }

  /**
   * Kills everything that the stream started. The rest of its output is not wanted any more: the stream could not end
   * before it is read.
   */
  kill(): void {
    this.#send(encodeMessage("kill", {}, this.#stream));
    for (const channel of OUTPUT_CHANNELS) this.discard(channel);
  }

  /* ---- what comes from the link ---- */

  onStarted({ pid }: MessageValues<"started">): void {
    if (this.#state !== "opening") throw violation("started came out of turn");
    this.#state = "running";
    this.#events.onStarted(pid);
  }

  onConnected(): void {
    throw violation("connected came for a program");
  }

  onExited({ code, signal, flags }: MessageValues<"exited">): void {
    // Killed before it started: then it exits without having been reported.
    if (this.#state !== "running" && this.#state !== "opening") throw violation("exited came out of turn");
    this.#state = "exited";
    this.#input.stop();
    this.#events.onExited({
      code,
      signal,
      timedOut: (flags & FLAGS.exited.timedOut) !== 0,
      killed: (flags & FLAGS.exited.killed) !== 0,
    });
  }

  onFailed(failure: MessageValues<"failed">): void {
    // A file operation can fail after it has started.
    if (this.#state !== "running" && this.#state !== "opening") throw violation("failed came out of turn");
    this.#state = "failed";
    this.#input.stop();
    this.#events.onFailed(failure);
  }

  onGone(): void {
    const ended = this.#state === "failed" || this.#credits.every((credit) => credit.ended);
    if ((this.#state !== "exited" && this.#state !== "failed") || !ended) throw violation("gone came out of turn");
    this.#state = "over";
    this.#events.onGone();
  }

  onGranted(bytes: number): void {
    this.#input.granted(bytes);
  }

  onData(channel: number, data: Buffer): void {
    if (this.#state === "failed") throw violation("data came after a failure");
    // Without bytes it would cost the sender nothing, and could come without end.
    if (data.length === 0 || data.length > MAX_DATA_BYTES) throw violation(`data came with ${data.length} bytes`);
    const credit = this.#credit(channel);
    credit.arrived(data.length);
    if (!credit.discarded) this.#sink(channel).onData(data);
  }

  onEnd(channel: number): void {
    if (this.#state === "failed") throw violation("a channel ended after a failure");
    this.#credit(channel).end();
    this.#sink(channel).onEnd();
  }

  onLost(error: SandboxError): void {
    this.#state = "over";
    this.#input.stop();
    this.#events.onLost(error);
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
