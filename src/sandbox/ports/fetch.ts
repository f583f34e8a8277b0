/**
 * `sandbox.fetch`: a request to a server in the sandbox, over a connection of its own. What answers is hostile.
 *
 * @module
 */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { assertNotInHook } from "../../hooks/mod.ts";
import { count } from "../arguments.ts";
import type { SandboxContext } from "../context.ts";
import { connectPort } from "./connect.ts";
import { explainFailure, fetchAborted, fetchFailed, quoted } from "./fetch-errors.ts";
import { type OutgoingRequest, readRequest, redirectRequest } from "./fetch-request.ts";
import { toResponse } from "./fetch-response.ts";
import { sandboxPort, waitTime } from "./forward.ts";
import type { PortFetchOptions } from "./types.ts";

const HEADER_BYTES_DEFAULT = 65_536;
const HEADER_BYTES_MAX = 1_048_576;
/** As in the Fetch standard. */
const REDIRECTS_MAX = 20;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What every request of one call shares. */
interface Call {
  readonly context: SandboxContext;
  readonly port: number;
  readonly waitMs: number;
  readonly maxHeaderBytes: number;
  readonly signal: AbortSignal | undefined;
}

/** Sends a request; settles when the headers of the response are there. */
export async function fetchPort(
  context: SandboxContext,
  port: number,
  input: string | URL | Request,
  init: PortFetchOptions = {},
): Promise<Response> {
  assertNotInHook(context.id, "fetch");
  const call: Call = {
    context,
    port: sandboxPort(port),
    waitMs: waitTime(init.waitMs),
    maxHeaderBytes: count("maxHeaderBytes", init.maxHeaderBytes ?? HEADER_BYTES_DEFAULT, 1, HEADER_BYTES_MAX),
    signal: init.signal ?? (input instanceof Request ? input.signal : undefined),
  };
  if (call.signal?.aborted) throw fetchAborted(call.signal);
  const redirect = init.redirect ?? (input instanceof Request ? input.redirect : "follow");
  let outgoing = await readRequest(call.port, input, init);
  for (let redirects = 0; ; redirects++) {
    const { response, next } = await exchange(call, outgoing, redirects > 0);
    if (next === undefined || redirect === "manual") return response;
    await response.body?.cancel();
    if (redirect === "error") throw fetchFailed(port, `it redirects to ${quoted(next)}`);
    if (redirects === REDIRECTS_MAX) throw fetchFailed(port, `it redirects more than ${REDIRECTS_MAX} times`);
    outgoing = redirectRequest(call.port, outgoing, response.status, next);
  }
}

interface Exchanged {
  readonly response: Response;
  /** Where it says to look instead. */
  readonly next: string | undefined;
}

async function exchange(call: Call, outgoing: OutgoingRequest, isRedirected: boolean): Promise<Exchanged> {
  const { context, port, waitMs, signal } = call;
  const connection = await connectPort(context, { port, via: "fetch", waitMs, signal }).catch((error: unknown) => {
    throw signal?.aborted ? fetchAborted(signal) : error;
  });
  const failed = (error: unknown) => explainFailure(port, connection, error);
  const abort = () => connection.destroy(signal === undefined ? undefined : fetchAborted(signal));
  signal?.addEventListener("abort", abort, { once: true });
  connection.once("close", () => signal?.removeEventListener("abort", abort));
  // Whoever reads hears of it; nobody else has to.
  connection.on("error", () => undefined);
  if (signal?.aborted) abort();
  try {
    const message = await send(call, outgoing, connection);
    // A server that goes on after its answer is not listened to.
    message.once("close", () => connection.destroy());
    const facts = { url: outgoing.url.href, redirected: isRedirected, hasBody: outgoing.method !== "HEAD" };
    const next = REDIRECTS.has(message.statusCode ?? 0) ? message.headers.location : undefined;
    return { response: toResponse(message, facts, failed), next };
  } catch (error) {
    connection.destroy();
    throw failed(error);
  }
}

function send(call: Call, outgoing: OutgoingRequest, connection: Duplex): Promise<IncomingMessage> {
  const { url, method, headers, body } = outgoing;
  return new Promise((resolve, reject) => {
    const sending = httpRequest({
      createConnection: () => connection,
      setHost: false,
      method,
      path: `${url.pathname}${url.search}`,
      headers,
      maxHeaderSize: call.maxHeaderBytes,
    });
    sending.once("response", resolve);
    sending.once("upgrade", () => reject(new Error("it switches to a protocol that was not asked for")));
    sending.once("close", () => reject(new Error("it closed the connection without an answer")));
    sending.on("error", reject);
    if (body === undefined) sending.end();
    else if (body instanceof Uint8Array) sending.end(body);
    else {
      feed(body.getReader(), sending).catch((error: unknown) => {
        reject(error);
        connection.destroy();
      });
    }
  });
}

/** Sends a stream as fast as the server reads it, and lets go of it when the server has enough. */
async function feed(from: ReadableStreamDefaultReader<Uint8Array>, to: ClientRequest): Promise<void> {
  const closed = new Promise<void>((resolve) => to.once("close", () => resolve()));
  const over = closed.then(() => ({ done: true, value: undefined }) as const);
  for (let piece = await from.read(); !piece.done; piece = await Promise.race([from.read(), over])) {
    if (to.destroyed) break;
    if (!to.write(piece.value)) await Promise.race([new Promise<void>((resolve) => to.once("drain", resolve)), closed]);
  }
  if (to.destroyed) await from.cancel();
  else to.end();
}
