/**
 * Requests as `fetch` knows them, for hooks: made from an exchange, and read back.
 *
 * @module
 */
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { type HttpFacts, isGrpcType, type RequestTarget, readTarget } from "../../policy/http/mod.ts";
import type { Exchange, ResponseBody, ResponseHead } from "./exchange.ts";
import { endToEnd, type HeaderLines, methodOverride } from "./headers.ts";
import { authorityOf, type Origin } from "./host.ts";

/** A request that a hook may look at. */
export interface FetchRequest {
  /** Makes it. Its body is not read before somebody reads it. */
  make(): Request;
  /** Whether somebody has read of the exchange's own body. */
  readonly touched: boolean;
}

/** Prepares a request for hooks. */
export function fetchRequest(origin: Origin, target: RequestTarget, exchange: Exchange): FetchRequest {
  let touched = false;
  const { method, headers, body, signal } = exchange;
  const make = (): Request => {
    const init: RequestInit = {
      method,
      headers: endToEnd(headers, ["host", "content-length"]).map(([name, value]): [string, string] => [name, value]),
      signal,
    };
    if (body !== undefined && method !== "GET" && method !== "HEAD") {
      const stream = lazily(body, () => {
        touched = true;
        if (exchange.expectsContinue) exchange.proceed();
      });
      init.body = stream;
      init.duplex = "half";
    }
    return new Request(urlOf(origin, target), init);
  };
  return {
    make,
    get touched() {
      return touched;
    },
  };
}

/** The URL of a request. */
export function urlOf(origin: Origin, { path, query }: RequestTarget): string {
  return `${origin.scheme}://${authorityOf(origin)}${path}${query}`;
}

/** What a request says that a hook has made; a text: what is wrong with it. */
export function factsOf(request: Request, origin: Origin): HttpFacts | string {
  const url = new URL(request.url);
  if (url.origin !== new URL(urlOf(origin, { path: "/", query: "", readings: [] })).origin)
    return "it is for another host";
  const target = readTarget(url.pathname + url.search);
  if ("problem" in target) return target.problem;
  const type = request.headers.get("content-type");
  const method = request.method.toUpperCase();
  const override = methodOverride([...request.headers], method);
  if (typeof override === "object") return override.problem;
  return {
    method,
    ...(override === undefined ? {} : { override }),
    target,
    websocket: false,
    grpc: isGrpcType(type === null ? [] : [type]),
  };
}

/** The headers and body of a request that a hook has made, as they are sent. Its length is not known. */
export function contentOf(request: Request): { readonly headers: HeaderLines; readonly body: Readable | undefined } {
  const headers = endToEnd([...request.headers], ["host", "content-length"]);
  return { headers, body: request.body === null ? undefined : toReadable(request.body) };
}

/** A response that a hook has made, as it is answered. */
export function answerOf(response: Response): { readonly head: ResponseHead; readonly body: ResponseBody | undefined } {
  const head = { status: response.status, headers: endToEnd([...response.headers], ["content-length"]) };
  if (response.body === null) return { head, body: undefined };
  return { head, body: { stream: toReadable(response.body), trailers: () => [] } };
}

function toReadable(stream: ReadableStream): Readable {
  return Readable.fromWeb(stream as unknown as NodeReadableStream);
}

/** A web stream over a Node one that reads nothing ahead. */
export function lazily(source: Readable, onRead: () => void): ReadableStream {
  let reader: AsyncIterator<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (reader === undefined) {
          onRead();
          reader = source[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
        }
        const { done, value } = await reader.next();
        if (done) controller.close();
        else controller.enqueue(new Uint8Array(value));
      },
      async cancel() {
        await reader?.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
