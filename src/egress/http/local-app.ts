/**
 * Hosts that exist in the sandbox only, answered by a function of this process.
 *
 * @module
 */
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import type { RequestTarget } from "../../policy/http/mod.ts";
import type { LocalApp } from "./connection.ts";
import type { Exchange } from "./exchange.ts";
import { endToEnd, type HeaderLines } from "./headers.ts";
import { authorityOf, type Origin } from "./host.ts";
import { streamOf } from "./streamed-response.ts";

/** Lets an app answer. */
export async function serveLocally(
  app: LocalApp,
  origin: Origin,
  exchange: Exchange,
  target: RequestTarget,
): Promise<void> {
  const { method, headers, body, signal } = exchange;
  if (exchange.expectsContinue) exchange.proceed();
  const url = `${origin.scheme}://${authorityOf(origin)}${target.path}${target.query}`;
  const init: RequestInit = {
    method,
    headers: endToEnd(headers).map(([name, value]): [string, string] => [name, value]),
    signal,
  };
  if (body !== undefined && method !== "GET" && method !== "HEAD") {
    init.body = Readable.toWeb(body) as unknown as ReadableStream;
    init.duplex = "half";
  }
  const response = await app.fetch(new Request(url, init));
  const lines: HeaderLines = [...response.headers];
  if (response.body === null) return exchange.respond({ status: response.status, headers: lines });
  const stream = streamOf(response) ?? Readable.fromWeb(response.body as unknown as NodeReadableStream);
  exchange.respond({ status: response.status, headers: lines }, { stream, trailers: () => [] });
}
