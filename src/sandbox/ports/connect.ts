/**
 * Connecting to a server in the sandbox, and waiting for one that starts late.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { PortConnection } from "../../audit/mod.ts";
import { SandboxError } from "../../errors.ts";
import { type DialRefused, dial } from "../../link/dial.ts";
import type { Link } from "../../link/link.ts";
import type { SandboxContext } from "../context.ts";

/** What a connection is asked with. */
export interface ConnectRequest extends Pick<PortConnection, "port" | "via" | "client"> {
  /** How long to wait for a server that does not listen yet, in milliseconds. */
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Pauses between tries, in milliseconds: the first and the longest. */
const PAUSE_MIN_MS = 10;
const PAUSE_MAX_MS = 250;
/** How long a server with a full backlog may leave a connection hanging, in milliseconds. */
const HANGING_MS = 10_000;

/**
 * A connection to a port of the sandbox's loopback. It is recorded, and so is that there is none.
 *
 * @throws {SandboxError} PORT_UNREACHABLE If nothing listens there, or nothing takes the connection, after `waitMs`.
 * @throws {SandboxError} LINK_LOST If the sandbox ends first.
 * @throws The signal's reason, if it is aborted.
 */
export async function connectPort(context: SandboxContext, request: ConnectRequest): Promise<Duplex> {
  const { port, via, client, waitMs, signal } = request;
  const leave = await context.connections.take(signal);
  const deadline = new Deadline(waitMs, signal);
  try {
    const outcome = await attempt(context.link, port, deadline);
    const failed = "errno" in outcome ? { errno: outcome.errno } : {};
    context.audit.portConnection({ port, via, ...(client === undefined ? {} : { client }), ...failed });
    if ("errno" in outcome) throw unreachable(port, outcome.errno);
    outcome.once("close", leave);
    return outcome;
  } catch (error) {
    leave();
    throw error;
  } finally {
    deadline.clear();
  }
}

async function attempt(link: Link, port: number, deadline: Deadline): Promise<Duplex | DialRefused> {
  try {
    for (let pauseMs = PAUSE_MIN_MS; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS)) {
      const outcome = await dial(link, port, deadline.signal);
      if (!("errno" in outcome) || outcome.errno !== "ECONNREFUSED" || deadline.leftMs <= 0) return outcome;
      await delay(Math.min(pauseMs, deadline.leftMs), undefined, { signal: deadline.signal });
    }
  } catch (error) {
    if (deadline.passed) return { errno: "ETIMEDOUT" };
    throw deadline.signal.aborted ? deadline.signal.reason : error;
  }
}

/** The end of waiting: by time, or by the caller's signal. */
class Deadline {
  passed = false;
  readonly #until: number;
  readonly #abort = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #caller: AbortSignal | undefined;
  readonly #onAbort = () => this.#abort.abort(this.#caller?.reason);

  constructor(waitMs: number, caller: AbortSignal | undefined) {
    this.#until = performance.now() + waitMs;
    this.#caller = caller;
    caller?.addEventListener("abort", this.#onAbort, { once: true });
    if (caller?.aborted) this.#onAbort();
    this.#timer = setTimeout(
      () => {
        this.passed = true;
        this.#abort.abort();
      },
      Math.max(waitMs, HANGING_MS),
    );
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** For how long to try again. */
  get leftMs(): number {
    return this.#until - performance.now();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener("abort", this.#onAbort);
  }
}

function unreachable(port: number, errno: string): SandboxError<"PORT_UNREACHABLE"> {
  const hint =
    errno === "ECONNREFUSED"
      ? "Nothing listens on that port of the sandbox's 127.0.0.1 or ::1; waitMs waits for a server that starts late"
      : "See connect(2) for what the error means";
  return new SandboxError("PORT_UNREACHABLE", `Cannot connect to port ${port} in the sandbox: ${errno}`, {
    details: { port, errno },
    hint,
  });
}
