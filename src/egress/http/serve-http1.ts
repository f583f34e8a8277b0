/**
 * The program's side of HTTP/1.x: `node:http` on a connection that is no socket.
 *
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type Denial, denialResponse } from "./denial.ts";
import type { Exchange, ResponseBody, ResponseHead } from "./exchange.ts";
import { type HandleContext, handleRequest } from "./handle.ts";
import { type HeaderLines, linesOf, toOutgoing, trailersOf, valuesOf } from "./headers.ts";
import { IDLE_MS, idleTimer } from "./idle-timer.ts";
import { HEADERS_MAX } from "./limits.ts";
import { BODY_BUFFER_BYTES, relayBody } from "./relay-body.ts";
import { serveUpgrade, type Upgrade } from "./upgrade.ts";

/** Serves a connection until it ends. A server for each: so a request needs no look-up of whose it is. */
export function serveHttp1(context: HandleContext, stream: Duplex): void {
  const server = createServer({
    maxHeaderSize: HEADERS_MAX,
    insecureHTTPParser: false,
    requireHostHeader: false,
    highWaterMark: BODY_BUFFER_BYTES,
  });
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  server.keepAliveTimeout = IDLE_MS;
  // A server of Deno that listens nowhere closes each connection after an answer, and takes it for a socket where it does not.
  Object.defineProperty(server, "listening", { value: true });
  if (!("setTimeout" in stream)) Object.assign(stream, { setTimeout: () => stream });
  const idle = idleTimer(stream);
  const line = new Line(() => idle.start());
  const handle = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void => {
    idle.stop();
    const exchange = toExchange(request, response, expectsContinue);
    const closed = new Promise<void>((resolve) => response.once("close", () => resolve()));
    const waits = line.enter(weightOf(request), async () => {
      // Whoever sent it ahead has gone meanwhile.
      if (stream.destroyed) return;
      await handleRequest(context, exchange);
      await closed;
    });
    if (!waits) stream.destroy();
  };
  server.on("request", (request, response) => handle(request, response, false));
  server.on("checkContinue", (request, response) => handle(request, response, true));
  server.on("checkExpectation", (request, response) => handle(request, response, false));
  server.on("connect", (request, socket) => refuseRaw(context, socket, request, { error: "denied", reason: TUNNEL }));
  server.on("upgrade", (request, socket, head) => {
    idle.stop();
    if (head.length > 0) socket.unshift(head);
    const refuse = (denial: Denial) => refuseRaw(context, socket, request, denial);
    const upgrade = () => serveUpgrade(context, toUpgrade(request, socket), refuse);
    if (!line.enter(weightOf(request), upgrade)) socket.destroy();
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
    const tooLarge = error.code === "HPE_HEADER_OVERFLOW";
    // Newer parsers say the same of too many lines.
    const reason = tooLarge ? `its headers are too many or more than ${HEADERS_MAX} bytes` : "the request is malformed";
    refuseRaw(context, socket, undefined, { error: tooLarge ? "too_large" : "malformed", reason });
  });
  // `node:http` listens once for each request that was sent ahead.
  stream.setMaxListeners(0);
  idle.start();
  server.emit("connection", stream);
}

const TUNNEL = "tunnels are not allowed: connect to the host itself";

/** The most requests that a program may send ahead, and what all their headers may hold, in characters. */
const AHEAD_MAX = 64;
const AHEAD_CHARS_MAX = 131_072;

/** Each text costs more than its characters. */
function weightOf({ rawHeaders, url = "" }: IncomingMessage): number {
  return rawHeaders.reduce((sum, text) => sum + text.length + 32, url.length);
}

/** Requests of one connection, one after the other: what is sent ahead costs the host nothing yet. */
class Line {
  readonly #onIdle: () => void;
  #last: Promise<unknown> = Promise.resolve();
  #length = 0;
  #weight = 0;

  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  /** Whether there was room. */
  enter(weight: number, run: () => Promise<unknown>): boolean {
    const isFull = this.#length >= AHEAD_MAX || (this.#length > 0 && this.#weight + weight > AHEAD_CHARS_MAX);
    if (isFull) return false;
    this.#length++;
    this.#weight += weight;
    this.#last = this.#last.then(run).finally(() => {
      this.#weight -= weight;
      if (--this.#length === 0) this.#onIdle();
    });
    return true;
  }
}

function toExchange(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Exchange {
  const headers = linesOf(request.rawHeaders);
  const gone = new AbortController();
  let proceeded = false;
  response.once("close", () => {
    if (!response.writableFinished) gone.abort(new Error("the program is gone"));
  });
  const over = new Promise<void>((resolve) => {
    const { socket } = request;
    response.once("close", () => {
      if (request.complete || socket.destroyed) return resolve();
      // A host may answer before it has heard all; `node:http` tells such a request nothing of its end any more.
      request.once("end", resolve);
      socket.once("close", () => {
        request.destroy();
        resolve();
      });
    });
  });
  return {
    version: request.httpVersion === "1.0" ? "1.0" : "1.1",
    method: request.method ?? "",
    target: request.url ?? "",
    authority: valuesOf(headers, "host")[0],
    headers: headers.filter(([name]) => name.toLowerCase() !== "expect"),
    body: hasBody(headers) ? request : undefined,
    trailers: () => trailersOf(linesOf(request.rawTrailers)),
    expectsContinue,
    signal: gone.signal,
    over,
    proceed: () => {
      if (!proceeded) response.writeContinue();
      proceeded = true;
    },
    respond: (head, body) => respond(request, response, head, body),
    reset: () => request.socket.destroy(),
  };
}

/** By the lines that are sent on: both sides must see the same. */
function hasBody(headers: HeaderLines): boolean {
  const lengths = valuesOf(headers, "content-length");
  return valuesOf(headers, "transfer-encoding").length > 0 || lengths.some((length) => Number(length) !== 0);
}

function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers }: ResponseHead,
  body: ResponseBody | string | undefined,
): void {
  if (response.headersSent || response.destroyed) {
    if (typeof body === "object") body.stream.destroy();
    return void request.socket.destroy();
  }
  response.sendDate = false;
  response.writeHead(status, STATUS_CODES[status] ?? "", toOutgoing(headers));
  if (body === undefined || typeof body === "string") {
    const text = request.method === "HEAD" ? undefined : body;
    if (request.complete || response.shouldKeepAlive) return void response.end(text);
    if (text !== undefined) response.write(text);
    afterRequest(request, () => response.end());
    return;
  }
  // A stream that fails or is cut short resets the connection: half an answer must not look like a whole one.
  const cut = () => void response.socket?.destroy();
  // Each write is a record of its own, and a turn: what comes within this one goes in one. The connection is what waits: a
  // corked response of Node 24 that is ended sends its end first.
  const { socket } = response;
  socket?.cork();
  setImmediate(() => socket?.uncork());
  relayBody({
    from: body.stream,
    to: response,
    onEnd: () => {
      const trailers = body.trailers();
      if (trailers.length > 0) response.addTrailers(toOutgoing(trailers) as NodeJS.Dict<string>);
    },
    onBroken: cut,
    onClosed: () => body.stream.destroy(),
  });
  // What was there went with the head.
  response.flushHeaders();
}

/** How long a program may go on sending what nobody reads, in milliseconds. */
const LINGER_MS = 1000;

/** A connection that is closed while something comes is reset, and the program may never see its answer. */
function afterRequest(request: IncomingMessage, done: () => void): void {
  const late = setTimeout(done, LINGER_MS);
  request.once("close", () => {
    clearTimeout(late);
    done();
  });
  request.on("error", () => undefined).resume();
}

function toUpgrade(request: IncomingMessage, socket: Duplex): Upgrade {
  const gone = new AbortController();
  socket.once("close", () => gone.abort(new Error("the program is gone")));
  const headers = linesOf(request.rawHeaders);
  return {
    version: request.httpVersion === "1.0" ? "1.0" : "1.1",
    method: request.method ?? "",
    target: request.url ?? "",
    authority: valuesOf(headers, "host")[0],
    headers,
    signal: gone.signal,
    socket,
  };
}

/** An answer on a connection that `node:http` has let go of. */
function refuseRaw(
  { connection, refusal }: HandleContext,
  socket: Duplex,
  request: IncomingMessage | undefined,
  denial: Denial,
): void {
  const { host, port, subject } = connection;
  const method = request?.method;
  const path = method === "CONNECT" ? undefined : request?.url?.replace(/[?#].*$/s, "").slice(0, 1024);
  const denied = { host, port, subject, ...(method && { method }), ...(path && { path }) };
  const { head, body } = denialResponse(refusal ?? denial, denied);
  if (!denial.judged) {
    connection.refused({ object: [method, path].filter(Boolean).join(" ") || "a request", reason: denial.reason });
  }
  const lines = [...head.headers, ["Connection", "close"] as const].map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${head.status} ${STATUS_CODES[head.status]}\r\n${lines.join("")}\r\n${body}`);
}
