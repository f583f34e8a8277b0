/**
 * The host's end of the link: the handshake, the streams, the heartbeat, and one way to end.
 *
 * @module
 */
import type { Readable, Writable } from "node:stream";
import { SandboxError } from "../errors.ts";
import { decodeMessage, encodeMessage, violation } from "./codec.ts";
import { errnoName } from "./errno.ts";
import { type Frame, FrameParser } from "./frame-parser.ts";
import { CODES, MAX_STREAMS, MESSAGES, type MessageName, type MessageValues, PROTOCOL_VERSION, RAW_FRAMES } from "./protocol.ts";

/** What a stream does with what comes for it. */
export interface StreamHandler {
  onStarted(values: MessageValues<"started">): void;
  onExited(values: MessageValues<"exited">): void;
  onFailed(values: MessageValues<"failed">): void;
  onGone(): void;
  onGranted(channel: number, bytes: number): void;
  onData(channel: number, data: Buffer): void;
  onEnd(channel: number): void;
  /** The link has ended, and the stream with it. */
  onLost(error: SandboxError): void;
}

/** One rule of the floor, as the warden takes it. */
export type LinkRule = MessageValues<"rule">;

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

/** The oldest Landlock that knows about truncation. */
const LANDLOCK_ABI_MIN = 3;
/** A warden gives up on a host that was silent for so many heartbeats: more, for hosts do block their event loop. */
const WARDEN_PATIENCE = 12;
const SILENT_BEATS_MAX = 3;

const NAMES = new Map<number, MessageName>(
  Object.entries(MESSAGES).flatMap(([name, { id, to }]) => (to === "host" ? [[id, name as MessageName]] : [])),
);

/** The host's end of a link. Ends itself, and with it the sandbox, on the first thing that the protocol does not allow. */
export class Link {
  /** Settles, with the reason, when the link has ended. Never rejects. */
  readonly closed: Promise<SandboxError>;
  readonly #options: LinkOptions;
  readonly #streams = new Map<number, StreamHandler>();
  readonly #waiting: (() => void)[] = [];
  #nextStream = 1;
  #outbox: Buffer[] = [];
  #settleClosed: (error: SandboxError) => void = () => undefined;
  #settleHandshake: ((facts: LinkFacts) => void) | undefined;
  #failHandshake: ((error: SandboxError) => void) | undefined;
  #hello: MessageValues<"hello"> | undefined;
  #error: SandboxError | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #unanswered = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    const parser = new FrameParser((frame) => this.#onFrame(frame));
    options.input.on("data", (chunk: Buffer) => this.#guard(() => parser.push(chunk)));
    options.input.on("end", () => this.close(lost("the sandbox closed it")));
    options.input.on("close", () => this.close(lost("it was closed")));
    options.input.on("error", (cause) => this.close(lost("it could not be read", cause)));
    options.output.on("error", (cause) => this.close(lost("it could not be written", cause)));
  }

  /**
   * Configures the warden; settles when the floor stands.
   *
   * @throws {SandboxError} START_FAILED If the warden refuses.
   * @throws {SandboxError} PATH_MISSING If a path that is not optional does not exist in the sandbox.
   * @throws {SandboxError} ENFORCEMENT_MISSING If the kernel lacks what the warden needs.
   */
  configure(config: Omit<MessageValues<"config">, "linkTimeoutMs">, rules: readonly LinkRule[]): Promise<LinkFacts> {
    const facts = new Promise<LinkFacts>((resolve, reject) => {
      this.#settleHandshake = resolve;
      this.#failHandshake = reject;
    });
    if (this.#error !== undefined) this.#failHandshake?.(this.#error);
    const linkTimeoutMs = this.#options.heartbeatMs * WARDEN_PATIENCE;
    this.send(encodeMessage("config", { ...config, linkTimeoutMs }));
    for (const rule of rules) this.send(encodeMessage("rule", rule));
    this.send(encodeMessage("start", {}));
    return facts;
  }

  /** Opens a stream: waits for a free number, then sends what `first` makes for it. */
  async open(handler: StreamHandler, first: (stream: number) => Buffer): Promise<number> {
    while (this.#streams.size >= MAX_STREAMS && this.#error === undefined) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#error !== undefined) throw this.#error;
    while (this.#streams.has(this.#nextStream)) this.#nextStream = (this.#nextStream + 2) >>> 0;
    const stream = this.#nextStream;
    this.#nextStream = (stream + 2) >>> 0;
    const frame = first(stream);
    this.#streams.set(stream, handler);
    this.send(frame);
    return stream;
  }

  /** Sends a whole frame. Frames of one turn of the event loop leave in one write. */
  send(frame: Buffer): void {
    if (this.#error !== undefined) return;
    this.#outbox.push(frame);
    if (this.#outbox.length === 1) queueMicrotask(() => this.#flush());
  }

  /** Whether the other side reads more slowly than this one sends. */
  get congested(): boolean {
    return this.#options.output.writableNeedDrain;
  }

  /** Settles when {@link congested} has ended, or the link has. */
  drained(): Promise<void> {
    const { output } = this.#options;
    return new Promise((resolve) => {
      output.once("drain", resolve);
      void this.closed.then(() => resolve());
    });
  }

  /** Ends the link, and everything that is open on it. Idempotent: the first reason stands. */
  close(error: SandboxError): void {
    if (this.#error !== undefined) return;
    this.#flush();
    this.#error = error;
    clearInterval(this.#timer);
    this.#failHandshake?.(error);
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) stream.onLost(error);
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.#options.output.destroy();
    this.#settleClosed(error);
  }

  #flush(): void {
    if (this.#outbox.length === 0 || this.#error !== undefined) return;
    const frames = this.#outbox;
    this.#outbox = [];
    const [only] = frames;
    this.#options.output.write(frames.length === 1 && only !== undefined ? only : Buffer.concat(frames));
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
    const { type, channel, stream, payload } = frame;
    if (stream === 0) return this.#onSandboxFrame(type, payload);
    const handler = this.#streams.get(stream);
    if (handler === undefined) throw violation(`a frame came for stream ${stream}, which is not open`);
    if (type === RAW_FRAMES.data) return handler.onData(channel, payload);
    if (type === RAW_FRAMES.end) return handler.onEnd(channel);
    switch (NAMES.get(type)) {
      case "started":
        return handler.onStarted(decodeMessage("started", payload));
      case "exited":
        return handler.onExited(decodeMessage("exited", payload));
      case "failed":
        return handler.onFailed(decodeMessage("failed", payload));
      case "granted":
        return handler.onGranted(channel, decodeMessage("granted", payload).bytes);
      case "gone":
        handler.onGone();
        this.#streams.delete(stream);
        this.#waiting.shift()?.();
        return;
      default:
        throw violation(`a frame of type ${type} came for a stream`);
    }
  }

  #onSandboxFrame(type: number, payload: Buffer): void {
    switch (NAMES.get(type)) {
      case "hello":
        return this.#onHello(decodeMessage("hello", payload));
      case "ready":
        return this.#onReady(decodeMessage("ready", payload));
      case "fatal":
        return this.close(fatal(decodeMessage("fatal", payload)));
      case "pong":
        this.#unanswered = 0;
        return;
      default:
        throw violation(`a frame of type ${type} came for the sandbox`);
    }
  }

  #onHello(hello: MessageValues<"hello">): void {
    if (this.#hello !== undefined) throw violation("a second hello came");
    if (hello.protocol !== PROTOCOL_VERSION) {
      throw violation(`the warden speaks version ${hello.protocol}, this host ${PROTOCOL_VERSION}`);
    }
    if (hello.landlockAbi < LANDLOCK_ABI_MIN) throw missingLandlock(hello.landlockAbi);
    this.#hello = { ...hello, kernel: Buffer.from(hello.kernel), machine: Buffer.from(hello.machine) };
  }

  #onReady(ready: MessageValues<"ready">): void {
    const settle = this.#settleHandshake;
    if (this.#hello === undefined || settle === undefined) throw violation("ready came out of turn");
    this.#settleHandshake = undefined;
    this.#timer = setInterval(() => this.#beat(), this.#options.heartbeatMs);
    // A sandbox that nobody waits for must not keep the process alive.
    if (typeof this.#timer === "object") this.#timer.unref();
    settle({ hello: this.#hello, ready });
  }

  #beat(): void {
    if (this.#unanswered >= SILENT_BEATS_MAX) {
      return this.close(lost(`the sandbox left ${this.#unanswered} heartbeats unanswered`));
    }
    this.#unanswered++;
    this.send(encodeMessage("ping", { nonce: this.#unanswered }));
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

function missingLandlock(abi: number): SandboxError<"ENFORCEMENT_MISSING"> {
  return new SandboxError("ENFORCEMENT_MISSING", `Cannot enforce a policy without Landlock ABI ${LANDLOCK_ABI_MIN}`, {
    details: { feature: "landlock", found: `ABI ${abi}` },
    hint: "Use a kernel from 6.2 on with Landlock among its security modules (CONFIG_LSM or lsm=)",
  });
}

function fatal({ stage, errno, subject }: MessageValues<"fatal">): SandboxError {
  const name = Object.entries(CODES.stage).find(([, code]) => code === stage)?.[0] ?? `stage ${stage}`;
  const text = Buffer.from(subject).toString().slice(0, 4096);
  const reason = errnoName(errno);
  if (name === "rule" && (reason === "ENOENT" || reason === "ENOTDIR")) {
    return new SandboxError("PATH_MISSING", `Cannot grant ${JSON.stringify(text)}: it does not exist in the sandbox`, {
      details: { path: text, rule: "" },
      hint: "Correct the path, or write { path: ..., optional: true } if it may be missing",
    });
  }
  if (name === "landlock") return missingLandlock(0);
  return new SandboxError("START_FAILED", `Cannot start the sandbox: ${name} failed on ${JSON.stringify(text)} with ${reason}`, {
    details: { stage: name, errno: reason },
    hint: hintFor(name),
  });
}

function hintFor(stage: string): string {
  if (stage === "namespace") return "User namespaces may be switched off here (sysctl, AppArmor, or inside a container)";
  if (stage === "selfTest" || stage === "capabilities") return "The warden was started with other privileges than it was made for";
  return "Look at the paths that the policy grants";
}
