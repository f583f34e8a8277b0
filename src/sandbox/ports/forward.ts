/**
 * `sandbox.forward`: a listener of the host whose connections end at a server in the sandbox.
 *
 * @module
 */
import { createServer, isIP, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { join, reset } from "../../egress/mod.ts";
import { SandboxError } from "../../errors.ts";
import { count, invalid } from "../arguments.ts";
import type { SandboxContext } from "../context.ts";
import { connectPort } from "./connect.ts";
import type { ForwardOptions, PortForward } from "./types.ts";

const PORT_MAX = 65_535;
/** The longest time that a timer takes. */
const WAIT_MAX_MS = 2 ** 31 - 1;

/** A port of a sandbox, checked. */
export function sandboxPort(port: number): number {
  return count("port", port, 1, PORT_MAX);
}

/** How long to wait for a server, checked. */
export function waitTime(waitMs: number | undefined): number {
  return count("waitMs", waitMs ?? 0, 0, WAIT_MAX_MS);
}

/** Opens the listener; settles when it listens. */
export async function forwardPort(
  context: SandboxContext,
  port: number,
  options: ForwardOptions = {},
): Promise<PortForward> {
  const { host = "127.0.0.1", hostPort = 0 } = options;
  if (isIP(host) === 0) {
    throw invalid("host", `Cannot listen on "${host}"`, host, 'Give an address, such as "127.0.0.1" or "::1"');
  }
  if (context.link.error !== undefined) throw context.link.error;
  const forward = new Forward(context, sandboxPort(port), waitTime(options.waitMs));
  await forward.listen(host, count("hostPort", hostPort, 0, PORT_MAX));
  return forward;
}

class Forward implements PortForward {
  port = 0;
  url = "";
  readonly closed: Promise<void>;
  readonly #context: SandboxContext;
  readonly #target: number;
  readonly #waitMs: number;
  readonly #server: Server;
  /** Both ends of what is connected. */
  readonly #open = new Set<Duplex>();
  #closing = false;

  constructor(context: SandboxContext, target: number, waitMs: number) {
    this.#context = context;
    this.#target = target;
    this.#waitMs = waitMs;
    // A client may end its half first, and nothing is read before there is somebody to give it to.
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    this.#server.on("connection", (socket) => void this.#accept(socket));
    this.closed = new Promise((resolve) => this.#server.once("close", () => resolve()));
  }

  async listen(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error) => reject(listenFailed(host, port, error)));
      this.#server.listen({ host, port, exclusive: true }, resolve);
    });
    const address = this.#server.address();
    this.port = typeof address === "object" && address !== null ? address.port : port;
    this.url = `http://${isIP(host) === 6 ? `[${host}]` : host}:${this.port}`;
    void this.#context.link.closed.then(() => this.close());
  }

  close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#server.close();
      for (const end of this.#open) end.destroy();
    }
    return this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #accept(socket: Socket): Promise<void> {
    this.#track(socket);
    // What went wrong with a client is seen as its close.
    socket.on("error", () => undefined);
    // A client that goes, or is made to, waits for nothing any more.
    const gone = new AbortController();
    const leave = () => gone.abort();
    socket.once("close", leave);
    try {
      const client = `${socket.remoteAddress}:${socket.remotePort}`;
      const request = {
        port: this.#target,
        via: "forward",
        client,
        waitMs: this.#waitMs,
        signal: gone.signal,
      } as const;
      const inside = await connectPort(this.#context, request);
      this.#track(inside);
      void join(inside, socket);
    } catch {
      // The record has the reason; the client hears of it as of any server that is not there.
      reset(socket);
    } finally {
      socket.off("close", leave);
    }
  }

  #track(end: Duplex): void {
    if (this.#closing) end.destroy();
    this.#open.add(end);
    end.once("close", () => this.#open.delete(end));
  }
}

function listenFailed(host: string, port: number, cause: Error): SandboxError<"LISTEN_FAILED"> {
  const errno = "code" in cause ? String(cause.code) : "UNKNOWN";
  return new SandboxError("LISTEN_FAILED", `Cannot listen on ${host} port ${port}: ${errno}`, {
    details: { host, port, errno },
    hint: errno === "EADDRINUSE" ? "Leave hostPort out to get a free port" : "See listen(2) for what the error means",
    cause,
  });
}
