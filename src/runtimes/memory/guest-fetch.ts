/**
 * HTTP requests of a guest's programs, as a client makes them that trusts the sandbox's certificate.
 *
 * @module
 */
import { type IncomingMessage, request } from "node:http";
import { type Duplex, Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { connect as connectTls } from "node:tls";
import { GuestError, type GuestFetchOptions } from "./guest.ts";

/** What a request takes. */
export interface GuestHttp {
  connect(host: string, port: number): Promise<Duplex>;
  /** As PEM. Absent: TLS is not opened, and no authority is trusted. */
  readonly authority: string | undefined;
}

/** Sends a request on a connection of its own, and gives the answer. Redirects are not followed. */
export async function guestFetch(
  http: GuestHttp,
  address: string | URL,
  options: GuestFetchOptions,
): Promise<Response> {
  const url = new URL(address);
  const isTls = url.protocol === "https:";
  if (!isTls && url.protocol !== "http:") throw new GuestError("EINVAL", url.href);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const stream = await http.connect(host, url.port === "" ? (isTls ? 443 : 80) : Number(url.port));
  const socket = isTls ? await secured(stream, host, http.authority) : stream;
  const { method = "GET", headers = {}, body } = options;
  const sent = request({
    method,
    path: url.pathname + url.search,
    headers: { Host: url.host, Connection: "close", ...headers },
    setHost: false,
    createConnection: () => socket as never,
  });
  const incoming = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once("response", resolve);
    sent.once("error", reject);
  });
  sent.end(body === undefined ? undefined : Buffer.from(body));
  return toResponse(await incoming);
}

function secured(socket: Duplex, host: string, ca: string | undefined): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const secure = connectTls({ socket, host, servername: host, ...(ca === undefined ? {} : { ca }) });
    secure.once("error", reject);
    secure.once("secureConnect", () => resolve(secure));
  });
}

function toResponse(incoming: IncomingMessage): Response {
  const status = incoming.statusCode ?? 502;
  const headers = new Headers();
  const { rawHeaders } = incoming;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) headers.append(rawHeaders[at] ?? "", rawHeaders[at + 1] ?? "");
  const body = Readable.toWeb(incoming) as NodeReadableStream as unknown as ReadableStream;
  return new Response([204, 205, 304].includes(status) ? null : body, { status, headers });
}
