/**
 * Requests to a host over HTTP/2.
 *
 * HTTP/2 goes through `node:http2` and not undici, which drops the trailers that gRPC needs.
 *
 * @module
 */
import { type ClientHttp2Session, type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";
import type { UpstreamRequest, UpstreamResponse } from "./exchange.ts";
import { type HeaderLines, trailersOf } from "./headers.ts";
import { authorityOf, type Origin } from "./host.ts";
import { http2Body, resetOf, resetStream, rstCodeOf, sendTrailers } from "./http2-body.ts";
import { linesOfFields, toFields } from "./http2-fields.ts";
import { relayBody } from "./relay-body.ts";

const { NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM } = constants;

/** A request on its way over HTTP/2. */
export interface SentHttp2 {
  readonly stream: ClientHttp2Stream;
  /** Settles when the head of the response is there. */
  readonly response: Promise<UpstreamResponse>;
}

/** Sends a request. */
export function sendHttp2(session: ClientHttp2Session, origin: Origin, request: UpstreamRequest): SentHttp2 {
  const { method, path, headers, body, signal, takesTrailers, expectsContinue } = request;
  const lines = headers.filter(([name]) => name.toLowerCase() !== "host");
  const fields = {
    ":method": method,
    ":scheme": origin.scheme,
    ":authority": authorityOf(origin),
    ":path": path,
    ...toFields(lines),
    ...(takesTrailers ? { te: "trailers" } : {}),
    ...(expectsContinue ? { expect: "100-continue" } : {}),
  };
  const stream = session.request(fields, { endStream: body === undefined, waitForTrailers: body !== undefined });
  const cancel = (): void => resetStream(stream, NGHTTP2_CANCEL);
  signal.addEventListener("abort", cancel, { once: true });
  // The program may have gone while a connection was made.
  if (signal.aborted) cancel();
  stream.once("close", () => signal.removeEventListener("abort", cancel));
  stream.once("continue", () => request.onContinue());
  if (body !== undefined) {
    stream.once("wantTrailers", () => {
      if (!stream.closed) sendTrailers(stream, request.trailers());
    });
    relayBody({
      from: body,
      to: stream,
      onEnd: () => undefined,
      onBroken: (error) => resetStream(stream, rstCodeOf(error) || NGHTTP2_CANCEL),
      // The host has answered without it, or is gone: the answer tells.
      onClosed: () => void body.resume(),
    });
  }
  const response = new Promise<UpstreamResponse>((resolve, reject) => {
    stream.once("error", (error) => reject(stream.rstCode ? resetOf(stream) : error));
    const broken = () => reject(resetOf(stream));
    stream.once("close", broken);
    stream.once("response", (given: IncomingHttpHeaders, _flags: number, raw?: readonly string[]) => {
      stream.off("close", broken);
      resolve(toResponse(stream, given, raw));
    });
  });
  // What comes after the response is the body's to tell.
  stream.on("error", () => undefined);
  response.catch(() => undefined);
  return { stream, response };
}

function toResponse(
  stream: ClientHttp2Stream,
  fields: IncomingHttpHeaders,
  raw: readonly string[] | undefined,
): UpstreamResponse {
  let trailers: HeaderLines = [];
  stream.once("trailers", (given: IncomingHttpHeaders, _flags: number, lines?: readonly string[]) => {
    trailers = linesOfFields(given, lines);
  });
  return {
    status: Number(fields[":status"] ?? 502),
    headers: linesOfFields(fields, raw),
    body: {
      stream: http2Body(stream, () => resetStream(stream, NGHTTP2_CANCEL)),
      trailers: () => trailersOf(trailers),
    },
  };
}

/** Whether an error says that the host never saw the request (RFC 9113 §8.7). */
export function neverSeen(error: unknown): boolean {
  if (rstCodeOf(error) === NGHTTP2_REFUSED_STREAM) return true;
  const code = (error as NodeJS.ErrnoException).code ?? "";
  return ["ERR_HTTP2_INVALID_SESSION", "ERR_HTTP2_GOAWAY_SESSION", "ERR_HTTP2_OUT_OF_STREAMS"].includes(code);
}
