/**
 * Requests to a host over HTTP/1.1.
 *
 * @module
 */
import { type ClientRequest, request as createRequest, type IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { UpgradedResponse, UpgradeRequest, UpstreamRequest, UpstreamResponse } from "./exchange.ts";
import { type HeaderLines, linesOf, toOutgoing, trailersOf, valuesOf } from "./headers.ts";
import { type Dial, OriginAgent, type OriginRequestOptions } from "./origin-agent.ts";
import { relayBody } from "./relay-body.ts";

/** Sends a request; settles when the head of the response is there. */
export async function sendHttp1(agent: OriginAgent, dial: Dial, request: UpstreamRequest): Promise<UpstreamResponse> {
  const first = attempt(agent, dial, request);
  try {
    return await first.response;
  } catch (error) {
    if (!mayRetry(first.sent, request, error)) throw error;
    // A kept connection that the host closed just then: the request never was.
    return await attempt(agent, dial, request).response;
  }
}

/** Asks a host to change the protocol, on a connection of its own. */
export async function upgradeHttp1(
  dial: Dial,
  { path, headers, signal }: UpgradeRequest,
): Promise<UpgradedResponse | UpstreamResponse> {
  const agent = new OriginAgent();
  agent.retire();
  const options: OriginRequestOptions = { path, headers: toOutgoing(headers), setHost: false, agent, signal, dial };
  const sent = createRequest(options);
  return new Promise((resolve, reject) => {
    sent.on("error", reject);
    sent.once("response", (incoming) => resolve(toResponse(incoming)));
    sent.once("upgrade", (incoming, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve({ status: 101, headers: linesOf(incoming.rawHeaders), socket });
    });
    sent.end();
  });
}

interface Attempt {
  readonly sent: ClientRequest;
  readonly response: Promise<UpstreamResponse>;
}

function attempt(agent: OriginAgent, dial: Dial, request: UpstreamRequest): Attempt {
  const { method, path, headers, body, signal } = request;
  const options: OriginRequestOptions = {
    method,
    path,
    host: "upstream",
    headers: toOutgoing([...(body === undefined ? withoutLength(headers) : headers), ...framing(request)]),
    setHost: false,
    agent,
    signal,
    dial,
  };
  const sent = createRequest(options);
  const response = new Promise<UpstreamResponse>((resolve, reject) => {
    sent.on("error", reject);
    sent.once("response", (incoming) => resolve(toResponse(incoming)));
    // A host that changes the protocol unasked.
    sent.once("upgrade", (_incoming, socket) => {
      socket.destroy();
      reject(new Error("the host changed the protocol"));
    });
  });
  sent.once("continue", () => request.onContinue());
  sent.setNoDelay(true);
  if (body === undefined) sent.end();
  else sendBody(sent, body, request);
  // What comes after the response is the body's to tell.
  response.catch(() => undefined);
  return { sent, response };
}

function sendBody(sent: ClientRequest, body: Readable, request: UpstreamRequest): void {
  sent.flushHeaders();
  relayBody({
    from: body,
    to: sent,
    onEnd: () => {
      const trailers = request.trailers();
      if (trailers.length > 0) sent.addTrailers(toOutgoing(trailers) as NodeJS.Dict<string>);
    },
    onBroken: (error) => void sent.destroy(error ?? Object.assign(new Error("cut short"), { code: "ECONNRESET" })),
    // The host has answered without it, or is gone: the answer tells.
    onClosed: () => void body.resume(),
  });
}

/** Of a body that does not come: the host would take the next request for it. */
function withoutLength(headers: HeaderLines): HeaderLines {
  return headers.filter(([name]) => name.toLowerCase() !== "content-length");
}

/** A body without a length is chunked, whatever the program's side framed it with. */
function framing({ headers, body, expectsContinue }: UpstreamRequest): [string, string][] {
  const chunked = body !== undefined && valuesOf(headers, "content-length").length === 0;
  return [
    ...(chunked ? [["Transfer-Encoding", "chunked"] as [string, string]] : []),
    ...(expectsContinue ? [["Expect", "100-continue"] as [string, string]] : []),
  ];
}

const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);

function mayRetry(sent: ClientRequest, { method, body, signal }: UpstreamRequest, error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  const closed = code === "ECONNRESET" || code === "EPIPE";
  return closed && sent.reusedSocket && body === undefined && IDEMPOTENT.has(method) && !signal.aborted;
}

function toResponse(incoming: IncomingMessage): UpstreamResponse {
  return {
    status: incoming.statusCode ?? 502,
    headers: linesOf(incoming.rawHeaders),
    body: { stream: incoming, trailers: () => trailersOf(linesOf(incoming.rawTrailers ?? [])) },
  };
}
