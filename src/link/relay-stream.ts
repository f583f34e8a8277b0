/**
 * The host's end of a connection that the warden relays (relay.h), as a stream of Node.
 *
 * @module
 */
import { Duplex } from "node:stream";
import { ByteQueue } from "./byte-queue.ts";
import { OutputCredit } from "./channel.ts";
import { encodeMessage, frame, violation } from "./codec.ts";
import { InputPump } from "./input-pump.ts";
import type { Link } from "./link.ts";
import { CHANNELS, MAX_DATA_BYTES } from "./protocol.ts";

/** What is smaller is copied: a few bytes must not hold on to all that was read with them. */
const DIRECT_MIN = 16_384;

type Done = (error?: Error | null) => void;

/**
 * Bytes both ways, each as fast as its reader takes them. Ending it is a half-close; destroying it before both sides have
 * ended resets the connection.
 */
export class RelayStream extends Duplex {
  readonly #link: Link;
  readonly #stream: number;
  readonly #credit: OutputCredit;
  readonly #input: InputPump;
  /** What came and was not asked for yet: never more than was granted. */
  readonly #queue = new ByteQueue();
  #wanting = false;
  #failure: Error | undefined;
  /** Whether nothing is to be sent any more: it has ended in the warden, or was reset. */
  #over = false;

  constructor(link: Link, stream: number) {
    super({ allowHalfOpen: true, writableHighWaterMark: MAX_DATA_BYTES });
    this.#link = link;
    this.#stream = stream;
    this.#credit = new OutputCredit((bytes) => this.#send(encodeMessage("credit", { bytes }, stream, CHANNELS.stdout)));
    this.#input = new InputPump(link, (type, data) => this.#send(frame(type, CHANNELS.stdin, stream, data)));
  }

  /* ---- what comes from the link ---- */

  onData(channel: number, data: Buffer): void {
    if (channel !== CHANNELS.stdout) throw violation(`a connection has no output channel ${channel}`);
    if (data.length === 0 || data.length > MAX_DATA_BYTES) throw violation(`data came with ${data.length} bytes`);
    this.#credit.arrived(data.length);
    if (this.destroyed) return;
    if (this.#wanting && this.#queue.size === 0 && data.length >= DIRECT_MIN) return void this.#take(data);
    this.#queue.push(data);
    this.#deliver();
  }

  onEnd(channel: number): void {
    if (channel !== CHANNELS.stdout) throw violation(`a connection has no output channel ${channel}`);
    this.#credit.end();
    this.#deliver();
  }

  onGranted(bytes: number): void {
    this.#input.granted(bytes);
  }

  /** The connection broke: whoever reads hears of it after what came before. */
  onBroken(error: Error): void {
    this.#over = true;
    this.#input.stop();
    this.#failure = error;
    this.#deliver();
  }

  /** Nothing of it is left in the warden. */
  onGone(): void {
    const expected = this.destroyed || this.#failure !== undefined || (this.#credit.ended && this.writableEnded);
    if (!expected) throw violation("gone came out of turn");
    this.#over = true;
    this.#input.stop();
  }

  /** The link has ended. */
  onLost(error: Error): void {
    this.#over = true;
    this.#input.stop();
    this.destroy(error);
  }

  /* ---- what Node asks for ---- */

  override _read(): void {
    this.#wanting = true;
    this.#deliver();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    if (this.#input.offer(chunk)) done();
    else void this.#input.write(chunk).then((written) => done(written ? null : this.#unread()));
  }

  /** Records of TLS come some at a time, and leave as one frame. */
  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Done): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), "binary", done);
  }

  override _final(done: Done): void {
    this.#input.end();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#queue.clear();
    const ended = this.#credit.ended && this.writableFinished;
    if (!this.#over && !ended) {
      this.#send(encodeMessage("kill", {}, this.#stream));
      this.#over = true;
      this.#input.stop();
    }
    done(error);
  }

  #deliver(): void {
    while (this.#wanting && this.#queue.size > 0) {
      const data = this.#queue.take(MAX_DATA_BYTES);
      this.#take(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    }
    if (this.#queue.size > 0) return;
    if (this.#failure !== undefined) this.destroy(this.#failure);
    else if (this.#credit.ended && this.#wanting) {
      this.#wanting = false;
      this.push(null);
    }
  }

  /** Hands on what was wanted. */
  #take(data: Buffer): void {
    this.#wanting = false;
    this.#credit.taken(data.length);
    this.push(data);
  }

  /** The error of whoever writes to a side that does not read any more. */
  #unread(): Error {
    return this.#failure ?? Object.assign(new Error("write EPIPE"), { code: "EPIPE", syscall: "write" });
  }

  #send(bytes: Buffer): void {
    if (!this.#over) this.#link.send(bytes);
  }
}
