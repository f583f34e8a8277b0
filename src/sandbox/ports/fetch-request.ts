/**
 * From what the Fetch standard calls a request to what `node:http` sends.
 *
 * @module
 */
import { invalid } from "../arguments.ts";
import { fetchFailed, quoted } from "./fetch-errors.ts";
import type { PortFetchOptions } from "./types.ts";

/** A request, ready to be sent once or, after a redirect, again. */
export interface OutgoingRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes can be sent again, a stream cannot. */
  readonly body: Uint8Array | ReadableStream<Uint8Array> | undefined;
}

/** What `fetch` decides by itself: a caller's word for it could tear one request in two. */
const OWN_HEADERS: ReadonlySet<string> = new Set(
  "connection content-length expect host keep-alive proxy-connection te trailer transfer-encoding upgrade".split(" "),
);

/** What a body of text is, as the Fetch standard says. */
const TEXT = "text/plain;charset=UTF-8";

const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** The address of a server in the sandbox: what it is to itself. */
export function originOf(port: number): string {
  return `http://localhost:${port}`;
}

/**
 * Where a redirect leads to: the same server, or nowhere.
 *
 * @throws {SandboxError} FETCH_FAILED If it leads elsewhere, or needs a body that cannot be sent again.
 */
export function redirectRequest(
  port: number,
  request: OutgoingRequest,
  status: number,
  location: string,
): OutgoingRequest {
  const url = URL.canParse(location, request.url.href) ? new URL(location, request.url) : undefined;
  const same =
    url?.protocol === "http:" && (url.host === request.url.host || LOOPBACK.has(url.host.replace(`:${port}`, "")));
  if (url === undefined || !same) {
    throw fetchFailed(port, `it redirects to ${quoted(location)}, which is not this server`);
  }
  url.hash = "";
  const { method, headers, body } = request;
  const becomesGet = status === 303 ? method !== "HEAD" : status < 303 && method === "POST";
  if (!becomesGet) {
    if (body !== undefined && !(body instanceof Uint8Array)) {
      throw fetchFailed(port, `it redirects with ${status}, and a stream cannot be sent again`);
    }
    return { ...request, url };
  }
  const kept = Object.entries(headers).filter(([name]) => !name.startsWith("content-") && name !== "transfer-encoding");
  return { url, method: "GET", headers: Object.fromEntries(kept), body: undefined };
}

/** Makes a request of everything that the Fetch standard takes. The host of a URL is only told to the server. */
export async function readRequest(
  port: number,
  input: string | URL | Request,
  init: PortFetchOptions,
): Promise<OutgoingRequest> {
  const request = toRequest(port, input, init);
  const url = new URL(request.url);
  url.hash = "";
  if (url.protocol !== "http:") {
    const hint = "Use http, or forward() and a client that trusts the server's certificate";
    throw invalid("request", `Cannot fetch "${url.protocol}" from a port of the sandbox`, request.url, hint);
  }
  // Bun forgets what a body is once that was read, and never says it of text.
  const type = request.headers.get("content-type") ?? (typeof init.body === "string" ? TEXT : undefined);
  const body = await readBody(request, init.body);
  const headers = headersOf(request, url, body);
  if (type !== undefined) headers["content-type"] = type;
  return { url, method: request.method, headers, body };
}

function toRequest(port: number, input: string | URL | Request, init: PortFetchOptions): Request {
  const { waitMs: _wait, maxHeaderBytes: _headers, ...rest } = init;
  // The body of a redirected request is not lost, and half-duplex is the only kind that there is.
  const standard = { duplex: "half", ...rest, redirect: "manual", signal: null } as RequestInit;
  if (input instanceof Request) return new Request(input, standard);
  const url = URL.canParse(String(input)) ? new URL(String(input)) : new URL(String(input), `${originOf(port)}/`);
  url.port ||= url.hostname === "localhost" ? String(port) : "";
  return new Request(url, standard);
}

/** What is in memory already is sent with its length: some servers know no other way. */
async function readBody(request: Request, given: unknown): Promise<OutgoingRequest["body"]> {
  if (request.body === null) return undefined;
  return inMemory(given) ? new Uint8Array(await request.arrayBuffer()) : request.body;
}

function inMemory(body: unknown): boolean {
  if (typeof body === "string" || body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return true;
  return body instanceof URLSearchParams || body instanceof Blob || body instanceof FormData;
}

function headersOf(request: Request, url: URL, body: OutgoingRequest["body"]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  // What is coded is not decoded here, for a small answer could become a large one.
  headers["accept-encoding"] = "identity";
  for (const [name, value] of request.headers) if (!OWN_HEADERS.has(name)) headers[name] = value;
  headers.host = request.headers.get("host") ?? url.host;
  headers.connection = "close";
  if (body instanceof Uint8Array) headers["content-length"] = String(body.length);
  else if (body !== undefined) headers["transfer-encoding"] = "chunked";
  else if (request.method !== "GET" && request.method !== "HEAD") headers["content-length"] = "0";
  return headers;
}
