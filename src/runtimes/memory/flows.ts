/**
 * Connections of a guest's programs, from the warden's side: asked for, and relayed as far as the host lets them.
 *
 * @module
 */
import { Duplex } from "node:stream";
import { decodeMessage, encodeMessage, frame, violation } from "../../link/codec.ts";
import { errnoName } from "../../link/errno.ts";
import { CHANNELS, CODES, INITIAL_CREDIT_BYTES, MAX_DATA_BYTES, MESSAGES, RAW_FRAMES } from "../../link/protocol.ts";
import { isAddress, isListed } from "../../policy/core.ts";
import { type GuestErrno, GuestError } from "./guest.ts";
import type { Caller } from "./judge.ts";

type Send = (frame: Buffer) => void;

/** What is never asked about: nothing listens on a loopback that is simulated. */
const OWN = ["127.0.0.0/8", "0.0.0.0", "::1", "::"];

/** What names stand for, which none has here; and what means something on one link only. */
const NOWHERE = { noName: ["198.18.0.0/15"], noIpv6: ["fe80::/10", "ff00::/8"] } as const;

const NO_BYTES = new Uint8Array(0);

/** Asks for connections, and hands on what comes for them. */
export class Flows {
  readonly #send: Send;
  readonly #flows = new Map<number, GuestFlow>();
  #last = 0;

  constructor(send: Send) {
    this.#send = send;
  }

  /**
   * Connects as a blocking socket does.
   *
   * @throws {GuestError} With the errno that a program would get.
   */
  connect(caller: Caller, name: string, port: number): Promise<Duplex> {
    const { tables, pid, binary, parents } = caller;
    const host = name.toLowerCase().replace(/\.$/, "");
    const object = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    if (host === "localhost" || host.endsWith(".localhost") || isListed(host, OWN)) {
      return Promise.reject(new GuestError("ECONNREFUSED", object));
    }
    if (!tables.has("decideNetwork")) {
      // There is neither a name server nor a route.
      return Promise.reject(new GuestError(isAddress(host) ? "ENETUNREACH" : "EHOSTUNREACH", object));
    }
    for (const reason of ["noName", "noIpv6"] as const) {
      if (!isListed(host, NOWHERE[reason])) continue;
      this.#record(caller, object, reason);
      return Promise.reject(new GuestError(reason === "noName" ? "EHOSTUNREACH" : "ENETUNREACH", object));
    }
    this.#last += 2;
    const number = this.#last;
    return new Promise((resolve, reject) => {
      const flow = new GuestFlow(number, this.#send, {
        onAccepted: () => resolve(flow),
        onRefused: (errno) => reject(new GuestError(errno as GuestErrno, object)),
        onGone: () => this.#flows.delete(number),
      });
      this.#flows.set(number, flow);
      const subject = { pid, binary: Buffer.from(binary), ancestors: parents.map((each) => Buffer.from(each)) };
      const values = { port, flags: 0, host: Buffer.from(host), sha256: Buffer.alloc(0), ...subject };
      this.#send(encodeMessage("flow", values, number));
    });
  }

  take(type: number, stream: number, payload: Buffer): void {
    this.#flows.get(stream)?.takeFrame(type, payload);
  }

  #record({ stream, pid, binary }: Caller, object: string, reason: keyof typeof NOWHERE): void {
    const about = { path: Buffer.from(object), target: NO_BYTES, binary: Buffer.from(binary), arguments: [] };
    const denied = { verdict: CODES.verdict.deny, reason: CODES.reason[reason], rule: 0, count: 1, microseconds: 0 };
    const what = { domain: CODES.domain.network, action: CODES.action.connect };
    this.#send(encodeMessage("decided", { stream, pid, ...what, ...denied, ...about }));
  }

  /** Nothing is connected any more. */
  close(): void {
    for (const flow of this.#flows.values()) flow.lose();
    this.#flows.clear();
  }
}

/** Who waits for a connection. */
interface FlowListener {
  onAccepted(): void;
  onRefused(errno: string): void;
  onGone(): void;
}

type Done = (error?: Error | null) => void;

/** One end of a connection: half-open, each direction as fast as its reader. */
class GuestFlow extends Duplex {
  readonly #number: number;
  readonly #sendFrame: Send;
  readonly #listener: FlowListener;
  #credit: number = INITIAL_CREDIT_BYTES;
  #waiting: (() => void) | undefined;
  #unread = 0;
  #heardEnd = false;
  #saidEnd = false;
  #over = false;

  constructor(number: number, send: Send, listener: FlowListener) {
    super({ allowHalfOpen: true });
    this.#number = number;
    this.#sendFrame = send;
    this.#listener = listener;
    // Whoever does not listen hears of a break by the close.
    this.on("error", () => undefined);
  }

  takeFrame(type: number, payload: Buffer): void {
    if (type === MESSAGES.flowAccept.id) this.#listener.onAccepted();
    else if (type === MESSAGES.flowRefuse.id) this.#refused(decodeMessage("flowRefuse", payload).error);
    else if (type === MESSAGES.credit.id) this.#granted(decodeMessage("credit", payload).bytes);
    else if (type === RAW_FRAMES.data) this.#takeData(payload);
    else if (type === RAW_FRAMES.end) this.#takeEnd();
    else if (type === MESSAGES.kill.id) this.#break();
    else if (type !== MESSAGES.flowWait.id) throw violation(`a frame of type ${type} came for a connection`);
  }

  /** The link has ended. */
  lose(): void {
    this.#over = true;
    this.#listener.onRefused("ECONNREFUSED");
    this.destroy(reset());
  }

  override _read(): void {
    if (this.#unread === 0 || this.#over) return;
    this.#sendFrame(encodeMessage("granted", { bytes: this.#unread }, this.#number));
    this.#unread = 0;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    void this.#writeAll(chunk).then(() => done(this.#over ? reset() : null));
  }

  override _final(done: Done): void {
    this.#saidEnd = true;
    if (!this.#over) this.#sendFrame(frame(RAW_FRAMES.end, CHANNELS.stdout, this.#number, NO_BYTES));
    this.#endIfBoth();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#break();
    done(error);
  }

  async #writeAll(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length && !this.#over; ) {
      const size = Math.min(chunk.length - at, this.#credit, MAX_DATA_BYTES);
      if (size > 0) {
        this.#credit -= size;
        this.#sendFrame(frame(RAW_FRAMES.data, CHANNELS.stdout, this.#number, chunk.subarray(at, at + size)));
        at += size;
      } else {
        await new Promise<void>((resolve) => {
          this.#waiting = resolve;
        });
      }
    }
  }

  #refused(errno: number): void {
    this.#listener.onRefused(errnoName(errno));
    this.#gone();
  }

  #takeData(payload: Buffer): void {
    this.#unread += payload.length;
    if (this.push(Buffer.from(payload))) this._read();
  }

  #takeEnd(): void {
    this.#heardEnd = true;
    this.push(null);
    this.#endIfBoth();
  }

  #granted(bytes: number): void {
    this.#credit += bytes;
    this.#waiting?.();
  }

  #endIfBoth(): void {
    if (this.#heardEnd && this.#saidEnd) this.#gone();
  }

  /** By either side, before both have ended. */
  #break(): void {
    if (this.#over) return;
    const errno = ECONNRESET;
    this.#sendFrame(encodeMessage("failed", { stage: 0, errno }, this.#number));
    this.#gone();
    this.destroy(reset());
  }

  #gone(): void {
    if (this.#over) return;
    this.#over = true;
    this.#waiting?.();
    this.#sendFrame(encodeMessage("gone", {}, this.#number));
    this.#listener.onGone();
  }
}

/** See errno(3). */
const ECONNRESET = 104;

function reset(): Error {
  return Object.assign(new Error("the connection was reset"), { code: "ECONNRESET" });
}
