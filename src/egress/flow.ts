/**
 * A connection of the sandbox, on its way out.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import type { SandboxError } from "../errors.ts";
import { encodeMessage, violation } from "../link/codec.ts";
import { errnoName, errnoNumber } from "../link/errno.ts";
import type { StreamHandler } from "../link/handlers.ts";
import type { Link } from "../link/link.ts";
import { FLAGS, type MessageValues } from "../link/protocol.ts";
import { RelayStream } from "../link/relay-stream.ts";
import { canonicalAddress, isAddress } from "../policy/core.ts";

/** The program that connects. */
export interface FlowSubject {
  /** In the sandbox. */
  readonly pid: number;
  /** The path of the program; empty where it is not known. */
  readonly binary: string;
  /** Of the program's file: 64 hexadecimal digits. Only where a hook of connections wants to see it. */
  readonly sha256?: string;
  /** The paths of its parents' programs, the nearest first. They inform; they prove nothing. */
  readonly ancestors: readonly string[];
}

/** How a connection that is not made fails, as errno(3) calls it. */
export type FlowErrno = "ECONNREFUSED" | "EACCES" | "ETIMEDOUT" | "EHOSTUNREACH" | "ENETUNREACH";

/** A connection that a program of the sandbox asks for. Exactly one of {@link accept} and {@link refuse} is called, once. */
export interface Flow {
  /** The name as it was asked for, lower case and without a final dot; or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly subject: FlowSubject;
  /** Lets the program's connect() succeed. Then bytes go both ways: half-open, as fast as the other side reads. */
  accept(): Duplex;
  /** Makes it fail. */
  refuse(errno: FlowErrno): void;
}

const NUMERIC_MAX = 65_535;
/** As the warden's name server reads them: no final dot, which rules would take for another name, and no number. */
const HOST = /^(?=.{1,253}$)(?:[a-z0-9_-]{1,63}\.)*(?!\d+$)[a-z0-9_-]{1,63}$/;
/** PATH_MAX. */
const PATH_BYTES_MAX = 4096;
const ANCESTORS_MAX = 8;
const HASH_BYTES = 32;

/** What is recorded of it is kept. */
function isSubject({ binary, ancestors, sha256 }: MessageValues<"flow">): boolean {
  const areShort = [binary, ...ancestors].every(({ length }) => length < PATH_BYTES_MAX);
  return areShort && ancestors.length <= ANCESTORS_MAX && (sha256.length === 0 || sha256.length === HASH_BYTES);
}

/** A flow on the link. */
export class LinkFlow implements Flow, StreamHandler {
  readonly host: string;
  readonly port: number;
  readonly subject: FlowSubject;
  /** Whether the program goes on with other things meanwhile. */
  readonly nonBlocking: boolean;
  /** Aborted when nobody waits for the connection any more. */
  readonly signal: AbortSignal;
  readonly #link: Link;
  readonly #stream: number;
  readonly #controller = new AbortController();
  #relay: RelayStream | undefined;
  #state: "asked" | "answered" | "over" = "asked";

  /** @throws {SandboxError} PROTOCOL_VIOLATION If it is about something that no warden of ours asks for. */
  constructor(link: Link, stream: number, values: MessageValues<"flow">) {
    this.#link = link;
    this.#stream = stream;
    this.host = canonicalAddress(Buffer.from(values.host).toString());
    this.port = values.port;
    if (!(HOST.test(this.host) || isAddress(this.host)) || this.port < 1 || this.port > NUMERIC_MAX) {
      throw violation("a connection is asked for to what is no host");
    }
    if (!isSubject(values)) throw violation("a connection is asked for by what is no program");
    this.nonBlocking = (values.flags & FLAGS.flow.nonBlocking) !== 0;
    this.signal = this.#controller.signal;
    this.subject = Object.freeze({
      pid: values.pid,
      binary: Buffer.from(values.binary).toString(),
      ...(values.sha256.length > 0 ? { sha256: Buffer.from(values.sha256).toString("hex") } : {}),
      ancestors: Object.freeze(values.ancestors.map((path) => Buffer.from(path).toString())),
    });
  }

  accept(): Duplex {
    this.#relay = new RelayStream(this.#link, this.#stream);
    // A program that breaks its connection must not break its host: who does not listen hears of it by the close.
    this.#relay.on("error", () => undefined);
    if (this.#state === "asked") this.#send(encodeMessage("flowAccept", {}, this.#stream));
    else this.#relay.destroy();
    this.#answered();
    return this.#relay;
  }

  refuse(errno: FlowErrno): void {
    if (this.#state !== "asked") return;
    this.#send(encodeMessage("flowRefuse", { error: errnoNumber(errno) }, this.#stream));
    this.#answered();
  }

  /** The answer takes up to so many milliseconds more. */
  wait(timeoutMs: number): void {
    if (this.#state === "asked")
      this.#send(encodeMessage("flowWait", { timeoutMs: Math.ceil(timeoutMs) }, this.#stream));
  }

  /* ---- what comes from the link ---- */

  onStarted(): void {
    throw violation("started came for a connection");
  }

  onConnected(): void {
    throw violation("connected came for a connection of the sandbox");
  }

  onExited(): void {
    throw violation("exited came for a connection");
  }

  onData(channel: number, data: Buffer): void {
    this.#accepted().onData(channel, data);
  }

  onEnd(channel: number): void {
    this.#accepted().onEnd(channel);
  }

  onGranted(bytes: number): void {
    this.#accepted().onGranted(bytes);
  }

  onFailed({ errno }: MessageValues<"failed">): void {
    const code = errnoName(errno);
    this.#relay?.onBroken(Object.assign(new Error(`the connection of the sandbox broke: ${code}`), { code }));
    this.#gone();
  }

  onGone(): void {
    this.#relay?.onGone();
    this.#gone();
  }

  onLost(error: SandboxError): void {
    this.#relay?.onLost(error);
    this.#gone();
  }

  #accepted(): RelayStream {
    if (this.#relay === undefined) throw violation("something came for a connection that was not accepted");
    return this.#relay;
  }

  #answered(): void {
    if (this.#state === "asked") this.#state = "answered";
  }

  #gone(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#controller.abort(new Error("the program gave the connection up"));
  }

  #send(frame: Buffer): void {
    this.#link.send(frame);
  }
}
