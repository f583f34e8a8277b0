/**
 * The host's connections to providers. Where they lead is the owner's word, so no address is refused; nothing of it is the
 * agent's.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { type Duplex, Readable } from "node:stream";
import type { UpstreamResponse } from "../../../egress/http/exchange.ts";
import type { HeaderLines } from "../../../egress/http/headers.ts";
import { authorityOf, type Origin } from "../../../egress/http/host.ts";
import { UpstreamPool } from "../../../egress/http/upstream.ts";
import { neverSeen } from "../../../egress/http/upstream-http2.ts";
import { type ProxySettings, type Resolver, reach, systemResolver } from "../../../egress/mod.ts";
import { upstreamTrust } from "../../../egress/tls/upstream-tls.ts";
import { addressKind } from "../../../policy/core.ts";
import { isLoopback, type Provider } from "../../../policy/providers/read.ts";

/** What the connections are made with. */
export interface ConnectionSetting {
  readonly resolver: Resolver | undefined;
  /** For names of this machine. @default the system's */
  readonly local?: Resolver;
  /** Read when the first connection is made. */
  readonly proxies: () => ProxySettings | undefined;
  readonly certificates: readonly string[];
}

/** A request to a provider. */
export interface ProviderRequest {
  readonly method: "GET" | "POST";
  /** Below the provider's base URL, from `/`. */
  readonly path: string;
  readonly headers: HeaderLines;
  readonly body?: Buffer;
  readonly signal: AbortSignal;
}

/** Sends a request to a provider; settles when the head of its answer is there. */
export type SendToProvider = (provider: Provider, request: ProviderRequest) => Promise<UpstreamResponse>;

/** How long connecting may take, in milliseconds. */
const DIAL_MS = 30_000;

/** Everything may be dialed. */
const ANYWHERE = ["0.0.0.0/0", "::/0"];

/** Keeps connections to providers. */
export class ProviderConnections {
  readonly #setting: ConnectionSetting;
  /** One for each connection that is being made. */
  readonly #dialing = new Set<AbortController>();
  #pool: UpstreamPool | undefined;

  constructor(setting: ConnectionSetting) {
    this.#setting = setting;
  }

  /** Sends a request. @throws {Error} With a `code`, as connections fail. */
  async send(provider: Pick<Provider, "baseUrl">, request: ProviderRequest): Promise<UpstreamResponse> {
    try {
      return await this.#attempt(provider, request);
    } catch (error) {
      if (request.signal.aborted || !mayRepeat(request, error)) throw error;
      return this.#attempt(provider, request);
    }
  }

  /** Ends everything. */
  close(): void {
    for (const controller of this.#dialing) controller.abort(new Error("the sandbox has ended"));
    this.#pool?.close();
  }

  #attempt(
    { baseUrl }: Pick<Provider, "baseUrl">,
    { method, path, headers, body, signal }: ProviderRequest,
  ): Promise<UpstreamResponse> {
    this.#pool ??= new UpstreamPool(upstreamTrust(this.#setting.certificates));
    const url = new URL(baseUrl + path);
    const origin = originOf(url);
    const protocol = origin.scheme === "https" ? "negotiated" : "http/1.1";
    const upstream = this.#pool.to(origin, protocol, "", () => this.#dial(origin));
    const framing: HeaderLines = body === undefined ? [] : [["content-length", String(body.length)]];
    return upstream.send({
      method,
      path: url.pathname + url.search,
      headers: [["host", authorityOf(origin)], ...headers, ...framing],
      body: body === undefined ? undefined : Readable.from([body], { objectMode: false }),
      trailers: () => [],
      takesTrailers: false,
      expectsContinue: false,
      signal,
      onContinue: () => undefined,
    });
  }

  async #dial(origin: Origin): Promise<Duplex> {
    const { resolver = systemResolver, local = systemResolver, proxies, certificates } = this.#setting;
    const isHere = isLoopback(origin.host);
    const target = {
      host: origin.host,
      port: origin.port,
      speaks: origin.scheme,
      listed: ANYWHERE,
      refuses: isHere ? elsewhere : () => undefined,
    };
    // No proxy leads to this machine.
    const setting = {
      resolver: isHere ? local : resolver,
      proxies: isHere ? undefined : proxies(),
      trust: () => upstreamTrust(certificates),
    };
    const controller = new AbortController();
    this.#dialing.add(controller);
    const options = { timeoutMs: DIAL_MS, signal: controller.signal };
    const { stream: socket } = await reach(target, setting, options).finally(() => this.#dialing.delete(controller));
    // It is kept for later requests: nobody else may listen then, and what the provider has closed must not be used.
    socket.on("error", () => undefined);
    socket.allowHalfOpen = false;
    return socket;
  }
}

/**
 * Whether it costs nobody anything to send a request once more. A call may have been taken, and is paid for then, whatever became
 * of the connection; it is repeated only where the provider has said that it never saw it.
 */
function mayRepeat({ method }: ProviderRequest, error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return neverSeen(error) || (method === "GET" && (code === "ECONNRESET" || code === "EPIPE"));
}

/** A name such as `x.localhost` counts as this machine, so it must lead there, whatever anybody resolves it to. */
function elsewhere(address: string): string | undefined {
  return addressKind(address) === "loopback" ? undefined : `it counts as this machine, and leads to ${address}`;
}

function originOf(url: URL): Origin {
  const scheme = url.protocol === "https:" ? "https" : "http";
  const port = url.port === "" ? (scheme === "https" ? 443 : 80) : Number(url.port);
  return { scheme, host: url.hostname.replace(/^\[(.*)\]$/, "$1"), port };
}
