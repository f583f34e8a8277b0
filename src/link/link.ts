/**
 * The host's end of the link: the handshake, the streams, the heartbeat, and one way to end.
 *
 * @module
 */
import type { Readable, Writable } from "node:stream";
import { SandboxError } from "../errors.ts";
import { decodeMessage, encodeMessage, violation } from "./codec.ts";
import { type Frame, FrameParser } from "./frame-parser.ts";
import type { DecisionHandler, LinkHandlers, StreamHandler } from "./handlers.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Outbox } from "./outbox.ts";
import {
  MAX_PAYLOAD_BYTES,
  MAX_STREAMS,
  MESSAGES,
  type MessageName,
  type MessageValues,
  RAW_FRAMES,
} from "./protocol.ts";
import { fatalError, helloProblem } from "./start-failure.ts";
import { StreamTable } from "./stream-table.ts";

/** What a policy is to the warden: the frames between `policy` and `start`, `policy` first. */
export type PolicyFrames = readonly Buffer[];

/** What the warden said of itself and of the floor. */
export interface LinkFacts {
  readonly hello: MessageValues<"hello">;
  readonly ready: MessageValues<"ready">;
}

/** What a link is made of. */
export interface LinkOptions {
  readonly input: Readable;
  readonly output: Writable;
  /** In milliseconds. Three without an answer end the link. */
  readonly heartbeatMs: number;
}

/** A warden gives up on a host that was silent for so many heartbeats: more, for hosts do block their event loop. */
const WARDEN_PATIENCE = 12;
const U32_MAX = 0xffff_ffff;

const NAMES = new Map<number, MessageName>(
  Object.entries(MESSAGES).flatMap(([name, { id, to }]) => (to === "host" ? [[id, name as MessageName]] : [])),
);

/** How long the last words of a warden that does not start may take, in milliseconds. */
const LAST_WORDS_MS = 500;

/** The host's end of a link. Ends itself, and the sandbox with it, on the first thing that the protocol does not allow. */
export class Link {
  /** Settles, with the reason, when the link has ended. Never rejects. */
  readonly closed: Promise<SandboxError>;
  readonly #options: LinkOptions;
  readonly #streams: StreamTable<StreamHandler> = new StreamTable();
  /** Those that the warden opened: even numbers. */
  readonly #flows = new Map<number, StreamHandler>();
  readonly #outbox: Outbox;
  readonly #heartbeat: Heartbeat;
  #state: "new" | "configuring" | "ready" = "new";
  #handlers: LinkHandlers | undefined;
  #settleClosed: (error: SandboxError) => void = () => undefined;
  #settleHandshake: (facts: LinkFacts) => void = () => undefined;
  #settleChange: ((ready: MessageValues<"ready">) => void) | undefined;
  #failHandshake: (error: SandboxError) => void = () => undefined;
  #hello: MessageValues<"hello"> | undefined;
  #error: SandboxError | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.output);
    this.#heartbeat = new Heartbeat({
      everyMs: options.heartbeatMs,
      ping: (nonce) => this.send(encodeMessage("ping", { nonce })),
      silent: (beats) => this.close(lost(`the sandbox left ${beats} heartbeats unanswered`)),
    });
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    // A question carries the arguments of a program.
    const parser = new FrameParser((frame) => this.#onFrame(frame), MAX_PAYLOAD_BYTES);
    options.input.on("data", (chunk: Buffer) => this.#guard(() => parser.push(chunk)));
    options.input.on("end", () => this.close(lost("the sandbox closed it")));
    options.input.on("close", () => this.close(lost("it was closed")));
    options.input.on("error", (cause) => this.close(lost("it could not be read", cause)));
    options.output.on("error", (cause) => this.#unwritable(lost("it could not be written", cause)));
    options.output.on("close", () => this.#unwritable(lost("it was closed")));
  }

  /** A warden that cannot start says why, and ends: what it said may be read only after nothing can be written any more. */
  #unwritable(error: SandboxError): void {
    if (this.#state === "ready") this.close(error);
    else setTimeout(() => this.close(error), LAST_WORDS_MS);
  }

  /**
   * Configures the warden; settles when the floor stands. May be called once.
   *
   * @throws {SandboxError} START_FAILED If the warden refuses.
   * @throws {SandboxError} PATH_MISSING If a path that is not optional does not exist in the sandbox.
   * @throws {SandboxError} ENFORCEMENT_MISSING If the kernel lacks what the warden needs.
   * @throws {SandboxError} WARDEN_UNAVAILABLE If the warden speaks another version of the protocol.
   * @throws {SandboxError} LINK_LOST If the link ends first, or the warden is silent for three heartbeats.
   */
  configure(config: Omit<MessageValues<"config">, "linkTimeoutMs">, policy: PolicyFrames): Promise<LinkFacts> {
    const facts = new Promise<LinkFacts>((resolve, reject) => {
      this.#settleHandshake = resolve;
      this.#failHandshake = reject;
    });
    if (this.#error !== undefined) this.#failHandshake(this.#error);
    else {
      this.#state = "configuring";
      const linkTimeoutMs = Math.min(this.#options.heartbeatMs * WARDEN_PATIENCE, U32_MAX);
      this.send(encodeMessage("config", { ...config, linkTimeoutMs }));
      for (const frame of policy) this.send(frame);
      this.send(encodeMessage("start", {}));
      // From here on: a warden that never answers must not hold its host.
      this.#heartbeat.start();
    }
    return facts;
  }

  /**
   * Puts another policy in force for what starts from now on; settles when it is. One at a time.
   *
   * @throws {SandboxError} LINK_LOST If the link ends first.
   */
  async changePolicy(policy: PolicyFrames): Promise<MessageValues<"ready">> {
    const ready = new Promise<MessageValues<"ready">>((resolve) => {
      this.#settleChange = resolve;
    });
    for (const frame of policy) this.send(frame);
    this.send(encodeMessage("start", {}));
    const outcome = await Promise.race([ready, this.closed]);
    if (SandboxError.is(outcome)) throw outcome;
    return outcome;
  }

  /**
   * Opens a stream: waits, in order, for a free number, then sends what `first` makes for it.
   *
   * @throws The signal's reason, if it is aborted while all numbers are in use.
   */
  async open(handler: StreamHandler, first: (stream: number) => Buffer, signal?: AbortSignal): Promise<void> {
    await this.#streams.vacancy(signal);
    if (this.#error !== undefined) throw this.#error;
    this.send(this.#streams.add(handler, first));
  }

  /** Says who hears the warden: before that, one that has something to say is not ours. */
  serve(handlers: LinkHandlers): void {
    this.#handlers = handlers;
  }

  /**
   * Settles when the warden has shown that it is alive.
   *
   * @throws {SandboxError} LINK_LOST If the link has ended, or ends first.
   */
  async alive(): Promise<void> {
    const outcome = await Promise.race([this.#error ?? this.#heartbeat.answer(), this.closed]);
    if (SandboxError.is(outcome)) throw outcome;
  }

  /** Asks for a sign of life more often; never less often than the warden was told. */
  beatEvery(milliseconds: number): void {
    this.#heartbeat.every(Math.min(milliseconds, this.#options.heartbeatMs));
  }

  /** Sends a whole frame. Frames of one turn of the event loop leave in one write. */
  send(frame: Buffer): void {
    if (this.#error === undefined) this.#outbox.send(frame);
  }

  /** Why it has ended; undefined while it has not. */
  get error(): SandboxError | undefined {
    return this.#error;
  }

  /** Whether the other side reads more slowly than this one sends. */
  get congested(): boolean {
    return this.#error === undefined && this.#outbox.congested;
  }

  /** Settles when {@link congested} may have ended, or the link has. */
  drained(): Promise<void> {
    return this.#outbox.drained();
  }

  /** Ends the link, and everything that is open on it. Idempotent: the first reason stands. */
  close(error: SandboxError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#heartbeat.stop();
    this.#outbox.stop();
    this.#failHandshake(error);
    for (const stream of [...this.#streams.clear(), ...this.#flows.values()]) stream.onLost(error);
    this.#flows.clear();
    this.#options.output.destroy();
    // Nothing that it still says is heard.
    this.#options.input.destroy();
    this.#settleClosed(error);
  }

  #guard(work: () => void): void {
    if (this.#error !== undefined) return;
    try {
      work();
    } catch (error) {
      this.close(SandboxError.is(error) ? error : violation(`a frame could not be handled: ${String(error)}`));
    }
  }

  #onFrame(frame: Frame): void {
    if (this.#error !== undefined) return;
    const { channel, stream, type } = frame;
    if (channel !== 0 && type !== RAW_FRAMES.data && type !== RAW_FRAMES.end) {
      throw violation(`a frame of type ${type} came on channel ${channel}`);
    }
    if (stream === 0) this.#onSandboxFrame(frame);
    else this.#onStreamFrame(frame);
  }

  #onStreamFrame({ type, channel, stream, payload }: Frame): void {
    const handler = stream % 2 === 0 ? this.#flows.get(stream) : this.#streams.get(stream);
    if (handler === undefined) this.#onNewStream(type, stream, payload);
    else if (type === RAW_FRAMES.data) handler.onData(channel, payload);
    else if (type === RAW_FRAMES.end) {
      if (payload.length > 0) throw violation("the end of a channel carried data");
      handler.onEnd(channel);
    } else this.#onStreamMessage(handler, stream, type, payload);
  }

  #onNewStream(type: number, stream: number, payload: Buffer): void {
    if (NAMES.get(type) !== "flow") throw violation(`a frame came for stream ${stream}, which is not open`);
    const flows = this.#handlers?.flows;
    if (flows === undefined || this.#state !== "ready" || stream % 2 !== 0 || this.#flows.size >= MAX_STREAMS) {
      throw violation(`the warden opened stream ${stream}, which it may not`);
    }
    this.#flows.set(stream, flows.onFlow(stream, decodeMessage("flow", payload)));
  }

  #onStreamMessage(handler: StreamHandler, stream: number, type: number, payload: Buffer): void {
    switch (NAMES.get(type)) {
      case "started":
        handler.onStarted(decodeMessage("started", payload));
        break;
      case "connected":
        decodeMessage("connected", payload);
        handler.onConnected();
        break;
      case "exited":
        handler.onExited(decodeMessage("exited", payload));
        break;
      case "failed":
        handler.onFailed(decodeMessage("failed", payload));
        break;
      case "granted":
        handler.onGranted(decodeMessage("granted", payload).bytes);
        break;
      case "gone":
        decodeMessage("gone", payload);
        handler.onGone();
        if (stream % 2 === 0) this.#flows.delete(stream);
        else this.#streams.remove(stream);
        break;
      default:
        throw violation(`a frame of type ${type} came for a stream`);
    }
  }

  #onSandboxFrame({ type, payload }: Frame): void {
    switch (NAMES.get(type)) {
      case "access":
        this.#decisions(type).onAccess(decodeMessage("access", payload));
        break;
      case "program":
        this.#decisions(type).onProgram(decodeMessage("program", payload));
        break;
      case "expired":
        this.#decisions(type).onExpired(decodeMessage("expired", payload));
        break;
      case "decided":
        this.#decisions(type).onDecided(decodeMessage("decided", payload));
        break;
      case "hello":
        this.#onHello(decodeMessage("hello", payload));
        break;
      case "ready":
        this.#onReady(decodeMessage("ready", payload));
        break;
      case "fatal":
        if (this.#state === "ready") throw violation("fatal came out of turn");
        this.close(fatalError(decodeMessage("fatal", payload)));
        break;
      case "pong":
        this.#heartbeat.answered(decodeMessage("pong", payload).nonce);
        break;
      default:
        throw violation(`a frame of type ${type} came for the sandbox`);
    }
  }

  /** Nothing is decided before there is a policy, and somebody whose sandbox it is. */
  #decisions(type: number): DecisionHandler {
    if (this.#state !== "ready" || this.#handlers === undefined) {
      throw violation(`a frame of type ${type} came before ready`);
    }
    return this.#handlers.decisions;
  }

  #onHello(hello: MessageValues<"hello">): void {
    if (this.#hello !== undefined) throw violation("a second hello came");
    const problem = helloProblem(hello);
    if (problem !== undefined) this.close(problem);
    else this.#hello = { ...hello, kernel: Buffer.from(hello.kernel), machine: Buffer.from(hello.machine) };
  }

  #onReady(ready: MessageValues<"ready">): void {
    if (this.#settleChange !== undefined) {
      this.#settleChange(ready);
      this.#settleChange = undefined;
      return;
    }
    if (this.#hello === undefined || this.#state !== "configuring") throw violation("ready came out of turn");
    this.#state = "ready";
    this.#settleHandshake({ hello: this.#hello, ready });
  }
}

/** The error of a link that ended before its time. */
export function lost(reason: string, cause?: unknown): SandboxError<"LINK_LOST"> {
  return new SandboxError("LINK_LOST", `Cannot go on with the sandbox: the link ended because ${reason}`, {
    details: { reason },
    hint: "Everything in the sandbox has ended with it; create another one",
    cause,
  });
}
