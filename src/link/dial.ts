/**
 * Opening a connection to a server on the sandbox's loopback.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import type { SandboxError } from "../errors.ts";
import { encodeMessage, violation } from "./codec.ts";
import { errnoName } from "./errno.ts";
import type { StreamHandler } from "./handlers.ts";
import type { Link } from "./link.ts";
import type { MessageValues } from "./protocol.ts";
import { RelayStream } from "./relay-stream.ts";

/** Why there is no connection: the name of an errno, as of connect(2). */
export interface DialRefused {
  readonly errno: string;
}

/**
 * Connects to a port; the connection, or why there is none.
 *
 * @throws The signal's reason, if it is aborted before the connection stands.
 * @throws {SandboxError} LINK_LOST If the link ends first.
 */
export async function dial(link: Link, port: number, signal?: AbortSignal): Promise<Duplex | DialRefused> {
  signal?.throwIfAborted();
  const dialing = new Dialing(link);
  await link.open(dialing, (stream) => dialing.start(stream, port), signal);
  const abort = () => dialing.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  // An abort while the stream opened was not heard yet.
  if (signal?.aborted) abort();
  return dialing.outcome.finally(() => signal?.removeEventListener("abort", abort));
}

/** A stream of the link from its first frame to its last. */
class Dialing implements StreamHandler {
  readonly outcome: Promise<Duplex | DialRefused>;
  readonly #link: Link;
  #settle: (outcome: Duplex | DialRefused) => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;
  #number = 0;
  #state: "dialing" | "connected" | "failed" | "aborted" = "dialing";
  #stream: RelayStream | undefined;

  constructor(link: Link) {
    this.#link = link;
    this.outcome = new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#fail = reject;
    });
    this.outcome.catch(() => undefined);
  }

  start(stream: number, port: number): Buffer {
    this.#number = stream;
    return encodeMessage("dial", { port }, stream);
  }

  abort(reason: unknown): void {
    if (this.#state !== "dialing") return;
    this.#state = "aborted";
    this.#link.send(encodeMessage("kill", {}, this.#number));
    this.#fail(reason);
  }

  onConnected(): void {
    if (this.#state === "aborted" && this.#stream === undefined) {
      // It was on its way; what it carries is dropped until the reset has arrived.
      this.#stream = new RelayStream(this.#link, this.#number).destroy();
      return;
    }
    if (this.#state !== "dialing") throw violation("connected came out of turn");
    this.#state = "connected";
    this.#stream = new RelayStream(this.#link, this.#number);
    this.#settle(this.#stream);
  }

  onFailed({ errno }: MessageValues<"failed">): void {
    if (this.#state === "failed") throw violation("failed came twice");
    const name = errnoName(errno);
    if (this.#state === "connected") this.#stream?.onBroken(broken(name));
    this.#state = "failed";
    this.#settle({ errno: name });
  }

  onGone(): void {
    if (this.#state === "dialing") throw violation("gone came out of turn");
    if (this.#state === "connected") this.#stream?.onGone();
  }

  onGranted(bytes: number): void {
    this.#connection().onGranted(bytes);
  }

  onData(channel: number, data: Buffer): void {
    this.#connection().onData(channel, data);
  }

  onEnd(channel: number): void {
    this.#connection().onEnd(channel);
  }

  onStarted(): void {
    throw violation("started came for a connection");
  }

  onExited(): void {
    throw violation("exited came for a connection");
  }

  onLost(error: SandboxError): void {
    this.#fail(error);
    this.#stream?.onLost(error);
  }

  #connection(): RelayStream {
    if (this.#stream === undefined || this.#state === "failed") throw violation("data came without a connection");
    return this.#stream;
  }
}

/** An error as Node's sockets have it. */
function broken(code: string): Error {
  return Object.assign(new Error(`read ${code}`), { code, syscall: "read" });
}
