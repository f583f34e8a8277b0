/**
 * The program's side of HTTP/2: `node:http2` on a connection that is no socket, an exchange for each stream.
 *
 * Source: RFC 9113.
 *
 * @module
 */
import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Duplex, Readable } from "node:stream";
import { isGrpcType } from "../../policy/http/mod.ts";
import type { Exchange, ResponseBody, ResponseHead } from "./exchange.ts";
import { type HandleContext, handleRequest } from "./handle.ts";
import { type HeaderLines, trailersOf, valuesOf } from "./headers.ts";
import { canonicalName } from "./host.ts";
import { http2Body, resetStream, rstCodeOf, sendTrailers } from "./http2-body.ts";
import { linesOfFields, toFields } from "./http2-fields.ts";
import { idleTimer } from "./idle-timer.ts";
import { CONTROLS_MAX, FloodGate, RESETS_MAX, SERVER_OPTIONS, type StreamBudget } from "./limits.ts";
import { relayBody } from "./relay-body.ts";

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } =
  constants;

/** Serves a connection until it ends. */
export function serveHttp2(context: HandleContext, stream: Duplex, budget: StreamBudget): void {
  const server = createServer(SERVER_OPTIONS);
  const idle = idleTimer(stream);
  const resets = new FloodGate(RESETS_MAX);
  const controls = new FloodGate(CONTROLS_MAX);
  let session: ServerHttp2Session | undefined;
  let open = 0;
  const flooded = (reason: string): void => {
    if (session?.destroyed !== false) return;
    context.connection.refused({ object: "a connection", reason });
    session.destroy(new Error(reason), NGHTTP2_ENHANCE_YOUR_CALM);
  };
  const controlled = (): void => {
    if (controls.isTooMuch()) flooded("it asks for nothing, again and again: a flood of PING or SETTINGS");
  };
  server.on("session", (made) => {
    session = made;
    made.on("error", () => undefined);
    made.on("ping", controlled);
    made.on("remoteSettings", controlled);
  });
  server.on("sessionError", () => undefined);
  const serve = (asked: ServerHttp2Stream, fields: IncomingHttpHeaders, raw: readonly string[] | undefined): void => {
    asked.on("error", () => undefined);
    if (!budget.take()) return void asked.close(NGHTTP2_REFUSED_STREAM);
    open++;
    idle.stop();
    const closed = new Promise<void>((resolve) => asked.once("close", resolve));
    // A request that was taken back may still be with a hook.
    const handled = handleRequest(context, { ...toExchange(context, asked, fields, raw), over: closed });
    void Promise.all([closed, handled]).then(() => budget.give());
    void closed.then(() => {
      if (--open === 0) idle.start();
      if (asked.rstCode !== NGHTTP2_NO_ERROR && resets.isTooMuch())
        flooded("it takes back requests as fast as it makes them");
    });
  };
  server.on("stream", (asked, fields, _flags, raw?: readonly string[]) => serve(asked, fields, raw));
  idle.start();
  server.emit("connection", stream);
}

function toExchange(
  { origin }: HandleContext,
  stream: ServerHttp2Stream,
  fields: IncomingHttpHeaders,
  raw: readonly string[] | undefined,
): Omit<Exchange, "over"> {
  const all = linesOfFields(fields, raw);
  const hosts = valuesOf(all, "host");
  const authority = fields[":authority"] ?? hosts[0];
  const expectsContinue = valuesOf(all, "expect").some((value) => value.toLowerCase() === "100-continue");
  const problem = pseudoProblem(fields, hosts, origin.scheme);
  const body = stream.endAfterHeaders ? undefined : http2Body(stream, () => undefined);
  const gone = new AbortController();
  let trailers: HeaderLines = [];
  let proceeded = false;
  stream.on("aborted", () => gone.abort(new Error("the program is gone")));
  stream.once("close", () => {
    if (!stream.writableFinished || stream.rstCode !== NGHTTP2_NO_ERROR) gone.abort(new Error("the program is gone"));
  });
  stream.once("trailers", (given: IncomingHttpHeaders, _flags: number, lines?: readonly string[]) => {
    trailers = linesOfFields(given, lines);
  });
  return {
    version: "2",
    method: fields[":method"] ?? "",
    target: fields[":path"] ?? "",
    authority,
    headers: all.filter(([name]) => name !== "host" && name !== "expect"),
    ...(problem === undefined ? {} : { problem }),
    body,
    trailers: () => trailersOf(trailers),
    expectsContinue,
    signal: gone.signal,
    proceed: () => {
      if (!proceeded && !stream.closed && !stream.headersSent) stream.additionalHeaders({ ":status": 100 });
      proceeded = true;
    },
    respond: (head, given) => respond(stream, body, head, given),
    reset: () => resetStream(stream, NGHTTP2_CANCEL),
  };
}

/** What HTTP/1.1 has no place for. */
function pseudoProblem(fields: IncomingHttpHeaders, hosts: readonly string[], scheme: string): string | undefined {
  const { ":authority": authority, ":scheme": given, ":protocol": protocol } = fields;
  if (protocol !== undefined) return "it is an extended CONNECT";
  if (fields[":method"] === "CONNECT") return undefined;
  if (given !== scheme) return `its :scheme is not ${scheme}`;
  const [host] = hosts;
  if (authority === undefined || host === undefined || canonicalName(host) === canonicalName(authority))
    return undefined;
  return "its :authority and its Host differ";
}

function respond(
  stream: ServerHttp2Stream,
  asked: Readable | undefined,
  { status, headers }: ResponseHead,
  body: ResponseBody | string | undefined,
): void {
  if (stream.closed || stream.headersSent) {
    if (typeof body === "object") body.stream.destroy();
    resetStream(stream, NGHTTP2_INTERNAL_ERROR);
    return;
  }
  const fields = { ":status": status, ...toFields(headers) };
  if (body === undefined || typeof body === "string") {
    stream.respond(fields, { endStream: body === undefined, sendDate: false } as object);
    if (!stream.writableEnded) stream.end(body);
    stream.once("finish", () => endRequest(stream, asked));
    return;
  }
  const endStream = isOnlyTrailers(headers);
  stream.respond(fields, { endStream, waitForTrailers: !endStream, sendDate: false } as object);
  // Of an answer to HEAD, or one without a body, that was all.
  if (stream.writableEnded) {
    body.stream.on("error", () => undefined).resume();
    endRequest(stream, asked);
    return;
  }
  stream.once("wantTrailers", () => {
    if (stream.closed) return;
    sendTrailers(stream, body.trailers());
    endRequest(stream, asked);
  });
  relayBody({
    from: body.stream,
    to: stream,
    onEnd: () => undefined,
    // What is cut short never looks complete.
    onBroken: (error) => resetStream(stream, rstCodeOf(error) || NGHTTP2_INTERNAL_ERROR),
    onClosed: () => body.stream.destroy(),
  });
}

/** Of a call of gRPC with a status in its head that is all, and clients insist on its being so. */
function isOnlyTrailers(headers: HeaderLines): boolean {
  return valuesOf(headers, "grpc-status").length > 0 && isGrpcType(valuesOf(headers, "content-type"));
}

/** How long a program may go on sending what nobody reads, in milliseconds. */
const LINGER_MS = 1000;

/** The answer is complete: of the request nobody reads more. To stop it at once would take some programs the answer. */
function endRequest(stream: ServerHttp2Stream, body: Readable | undefined): void {
  if (body === undefined || body.readableEnded || body.destroyed) return;
  const { session } = stream;
  // curl 7.88 takes no note of an answer that was over before its last byte was sent, before something more comes.
  body.once("end", () => session?.destroyed === false && session.ping(() => undefined));
  body.resume();
  const late = setTimeout(() => stream.close(NGHTTP2_NO_ERROR), LINGER_MS);
  stream.once("close", () => clearTimeout(late));
}
