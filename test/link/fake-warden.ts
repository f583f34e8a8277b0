/**
 * A warden in this process: it speaks the protocol over two in-memory streams, and does what a test scripts.
 */
import { Readable, Writable } from "node:stream";
import { decodeMessage, encodeMessage, frame } from "../../src/link/codec.ts";
import { type Frame, FrameParser } from "../../src/link/frame-parser.ts";
import {
  INITIAL_CREDIT_BYTES,
  MESSAGES,
  type MessageName,
  type MessageValues,
  PROTOCOL_VERSION,
  RAW_FRAMES,
} from "../../src/link/protocol.ts";

/** A message from the host, decoded. Raw frames are called `data` and `end`. */
export interface Received {
  readonly name: MessageName | "data" | "end";
  readonly channel: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export const HELLO: MessageValues<"hello"> = {
  protocol: PROTOCOL_VERSION,
  landlockAbi: 5,
  notify: 1,
  uid: 1000,
  gid: 1000,
  kernel: Buffer.from("6.12.0"),
  machine: Buffer.from("x86_64"),
};

const NAMES = new Map<number, MessageName>(Object.entries(MESSAGES).map(([name, { id }]) => [id, name as MessageName]));

/** What a test scripts. Everything has a default that behaves. */
export interface FakeWardenScript {
  /** Called for every program; without it, programs stay silent until they are killed. */
  exec?(stream: FakeStream, request: MessageValues<"exec">): void;
  /** Called for every file operation. */
  file?(stream: FakeStream, request: MessageValues<"file">): void;
  /** Called for every connection that the host asks for. */
  dial?(stream: FakeStream, request: MessageValues<"dial">): void;
  /** Whether it answers `start` with `ready`, and pings with pongs. */
  readonly answersStart?: boolean;
  readonly answersPings?: boolean;
}

/** The other end of a link. */
export class FakeWarden {
  /** What the host reads. */
  readonly input: Readable = new Readable({ read: () => undefined });
  /** What the host writes. */
  readonly output: Writable;
  readonly received: Received[] = [];
  /** The sizes of the host's writes, in bytes. */
  readonly writes: number[] = [];
  readonly streams = new Map<number, FakeStream>();
  readonly #script: FakeWardenScript;
  readonly #parser = new FrameParser((each) => this.#onFrame(each));
  /** Set: the host's writes are not taken. */
  #stalled: (() => void)[] | undefined;

  constructor(script: FakeWardenScript = {}) {
    this.#script = script;
    this.output = new Writable({
      highWaterMark: 65_536,
      write: (chunk: Buffer, _encoding, taken) => {
        const take = () => {
          this.writes.push(chunk.length);
          this.#parser.push(chunk);
          taken();
        };
        if (this.#stalled === undefined) take();
        else this.#stalled.push(take);
      },
    });
  }

  send<N extends MessageName>(name: N, values: MessageValues<N>, stream = 0, channel = 0): void {
    this.raw(encodeMessage(name, values, stream, channel));
  }

  raw(bytes: Buffer): void {
    if (!this.input.destroyed) this.input.push(bytes);
  }

  /** Ends the stream to the host, as a warden does that dies. */
  die(): void {
    this.input.push(null);
  }

  stall(): void {
    this.#stalled ??= [];
  }

  resume(): void {
    const held = this.#stalled ?? [];
    this.#stalled = undefined;
    for (const take of held) take();
  }

  /** The messages of that name, in order. */
  all(name: Received["name"]): Received[] {
    return this.received.filter((message) => message.name === name);
  }

  #onFrame({ type, channel, stream, payload }: Frame): void {
    const raw = type === RAW_FRAMES.data ? "data" : type === RAW_FRAMES.end ? "end" : undefined;
    const name = raw ?? NAMES.get(type);
    if (name === undefined) throw new Error(`the host sent a frame of type ${type}`);
    this.received.push({ name, channel, stream, payload });
    if (name === "start" && this.#script.answersStart !== false) this.send("ready", { rules: 1, skipped: 0 });
    if (name === "ping" && this.#script.answersPings !== false) this.send("pong", decodeMessage("ping", payload));
    if (name === "exec" || name === "file" || name === "dial") this.#open(name, stream, payload);
    else if (stream !== 0) this.streams.get(stream)?.take(name, channel, payload);
  }

  #open(name: "exec" | "file" | "dial", number: number, payload: Buffer): void {
    if (this.streams.has(number)) throw new Error(`the host opened stream ${number} twice`);
    const stream = new FakeStream(this, number);
    this.streams.set(number, stream);
    if (name === "exec") this.#script.exec?.(stream, decodeMessage("exec", payload));
    else if (name === "file") this.#script.file?.(stream, decodeMessage("file", payload));
    else {
      stream.onKill = () => stream.gone();
      this.#script.dial?.(stream, decodeMessage("dial", payload));
    }
  }
}

/** A stream of the fake warden. It keeps to its credit, and dies when it is killed. */
export class FakeStream {
  readonly number: number;
  readonly warden: FakeWarden;
  /** What the host lets this side send, by channel. */
  readonly credit = { 1: INITIAL_CREDIT_BYTES, 2: INITIAL_CREDIT_BYTES };
  readonly discarded = new Set<number>();
  readonly ended = new Set<number>();
  input: Buffer = Buffer.alloc(0);
  inputEnded = false;
  over = false;
  /** Whether input is granted again as soon as it comes. */
  reads = true;
  /** Called after every message for the stream. */
  onMessage: (name: Received["name"]) => void = () => undefined;
  /** What a kill does. */
  onKill: () => void = () => this.exit({ signal: 9, flags: 2 });

  constructor(warden: FakeWarden, number: number) {
    this.warden = warden;
    this.number = number;
  }

  started(pid = 42): this {
    this.warden.send("started", { pid }, this.number);
    return this;
  }

  connected(): this {
    this.warden.send("connected", {}, this.number);
    return this;
  }

  failed(stage: number, errno: number): this {
    this.warden.send("failed", { stage, errno }, this.number);
    return this.gone();
  }

  /** Sends as much as credit allows; returns how much that was. */
  data(channel: 1 | 2, bytes: string | Uint8Array): number {
    const all = Buffer.from(bytes);
    const allowed = this.discarded.has(channel) ? 0 : Math.min(all.length, this.credit[channel]);
    for (let at = 0; at < allowed; at += 65_536) {
      this.warden.raw(frame(RAW_FRAMES.data, channel, this.number, all.subarray(at, Math.min(allowed, at + 65_536))));
    }
    this.credit[channel] -= allowed;
    return allowed;
  }

  end(channel: 1 | 2): this {
    if (!this.ended.has(channel)) this.warden.raw(frame(RAW_FRAMES.end, channel, this.number, new Uint8Array(0)));
    this.ended.add(channel);
    return this;
  }

  exited(exit: Partial<MessageValues<"exited">> = {}): this {
    this.warden.send("exited", { code: 0, signal: 0, flags: 0, ...exit }, this.number);
    return this;
  }

  gone(): this {
    this.over = true;
    this.warden.streams.delete(this.number);
    this.warden.send("gone", {}, this.number);
    return this;
  }

  /** Everything that ends a stream. */
  exit(exit: Partial<MessageValues<"exited">> = {}): void {
    if (!this.over) this.exited(exit).end(1).end(2).gone();
  }

  take(name: Received["name"], channel: number, payload: Buffer): void {
    if (name === "data") {
      this.input = Buffer.concat([this.input, payload]);
      if (this.reads) this.grant(payload.length);
    }
    if (name === "end") this.inputEnded = true;
    if (name === "discard") this.discarded.add(channel);
    if (name === "credit") this.credit[channel as 1 | 2] += decodeMessage("credit", payload).bytes;
    if (name === "kill") this.onKill();
    this.onMessage(name);
  }

  grant(bytes: number): void {
    this.warden.send("granted", { bytes }, this.number);
  }
}
