/**
 * The HTTP engine of one sandbox: opens TLS, reads requests, has each of them judged, and relays them.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import type { HttpConnection } from "./http/connection.ts";
import { ContentBudget } from "./http/content.ts";
import type { Denial } from "./http/denial.ts";
import type { HandleContext } from "./http/handle.ts";
import { canonicalName, type Origin } from "./http/host.ts";
import type { Protocol } from "./http/kept-origin.ts";
import { StreamBudget } from "./http/limits.ts";
import { BODY_BUFFER_BYTES } from "./http/relay-body.ts";
import { serveHttp1 } from "./http/serve-http1.ts";
import { serveHttp2 } from "./http/serve-http2.ts";
import { UpstreamPool } from "./http/upstream.ts";
import { type Sniffed, sniff } from "./sniff.ts";
import type { CertificateAuthority } from "./tls/certificate-authority.ts";
import type { ClientHello } from "./tls/client-hello.ts";
import type { UpstreamTrust } from "./tls/upstream-tls.ts";

/** What an engine is made of. */
export interface HttpEngineOptions {
  readonly authority: CertificateAuthority;
  readonly trust: UpstreamTrust;
  /** How long a program may take to say something, in milliseconds. @default 60000 */
  readonly firstByteMs?: number;
}

/** Serves connections of one sandbox. */
export class HttpEngine {
  readonly #options: HttpEngineOptions;
  readonly #pool: UpstreamPool;
  readonly #open = new Set<Duplex>();
  readonly #content = new ContentBudget();
  readonly #budget = new StreamBudget();

  constructor(options: HttpEngineOptions) {
    this.#options = options;
    this.#pool = new UpstreamPool(options.trust);
  }

  /**
   * Serves a connection until it ends. With a `refusal` every request is answered by it.
   *
   * What is neither HTTP nor TLS with HTTP inside is cut off: nobody could judge it.
   */
  async serve(stream: Duplex, connection: HttpConnection, refusal?: Denial): Promise<void> {
    this.#open.add(stream);
    stream.once("close", () => this.#open.delete(stream));
    // Errors show as the end of the connection.
    stream.on("error", () => stream.destroy());
    const sniffed = await sniff(stream, this.#options.firstByteMs ?? 60_000);
    if (stream.destroyed) return;
    try {
      await this.#serveSniffed(sniffed, stream, connection, refusal);
    } catch {
      // Nobody waits for this: what is thrown would end the process.
      stream.destroy();
      connection.refused({ object: "a connection", reason: "it cannot be served" });
    }
  }

  async #serveSniffed(
    sniffed: Sniffed,
    stream: Duplex,
    connection: HttpConnection,
    refusal: Denial | undefined,
  ): Promise<void> {
    if (sniffed.kind === "tls") return this.#serveTls(stream, connection, sniffed.hello, refusal);
    if (sniffed.kind === "http1") return serveHttp1(this.#context("http/1.1", connection, refusal), stream);
    if (sniffed.kind === "http2") hangUp(stream, stream);
    if (sniffed.kind === "http2") return serveHttp2(this.#context("h2c", connection, refusal), stream, this.#budget);
    if (sniffed.kind === "other") connection.refused({ object: "a connection", reason: NOT_HTTP });
    stream.destroy();
  }

  /** Forgets connections that another policy would not have made. */
  policyChanged(): void {
    this.#pool.drain();
  }

  /** Ends everything. */
  close(): void {
    for (const stream of this.#open) stream.destroy();
    this.#pool.close();
  }

  #serveTls(stream: Duplex, connection: HttpConnection, hello: ClientHello, refusal: Denial | undefined): void {
    const { serverName } = hello;
    const name = serverName === undefined ? connection.host : canonicalName(serverName);
    const misdirected: Denial | undefined =
      name === connection.host
        ? undefined
        : { error: "misdirected", reason: `the TLS handshake names another host than the one connected to` };
    const secure = new TLSSocket(stream, {
      isServer: true,
      secureContext: this.#options.authority.contextFor(name),
      ALPNProtocols: ["h2", "http/1.1"],
      // Of the stream below it: what fits into one turn goes in one.
      ...({ highWaterMark: BODY_BUFFER_BYTES } as object),
    });
    secure.on("error", (error: NodeJS.ErrnoException) => {
      // A client that does not trust our certificate says so in an alert.
      if (/ALERT|SSL/.test(error.code ?? "")) connection.refused({ object: "a TLS handshake", reason: UNTRUSTED });
      stream.destroy();
    });
    secure.once("close", () => stream.destroy());
    const late = setTimeout(() => stream.destroy(), HANDSHAKE_MS);
    stream.once("close", () => clearTimeout(late));
    secure.once("secure", () => clearTimeout(late));
    secure.once("secure", () => {
      // Only a server of `node:tls` says so, and HTTP/2 waits for it.
      Object.assign(secure, { secureConnecting: false });
      const context = this.#context("negotiated", connection, refusal ?? misdirected);
      if (secure.alpnProtocol === "h2") hangUp(stream, secure);
      if (secure.alpnProtocol === "h2") serveHttp2(context, secure, this.#budget);
      else serveHttp1(context, secure);
    });
  }

  #context(protocol: Protocol, connection: HttpConnection, refusal: Denial | undefined): HandleContext {
    const { host, port, route } = connection;
    const scheme = protocol === "negotiated" ? "https" : "http";
    const origin: Origin = { scheme, host, port };
    const pooled = this.#pool.to(origin, protocol, route, () => connection.dial(scheme));
    const upstream = connection.through?.(pooled, origin) ?? pooled;
    return { connection, origin, upstream, content: this.#content, refusal };
  }
}

/** How long a program that says nothing more may still read over HTTP/2, in milliseconds. */
const LAST_ANSWERS_MS = 1000;

/** Of a program that was killed nothing comes but the end of what is below, which HTTP/2 does not listen for. */
function hangUp(below: Duplex, above: Duplex): void {
  const leave = (): void => {
    const late = setTimeout(() => above.destroy(), LAST_ANSWERS_MS);
    above.once("close", () => clearTimeout(late));
  };
  if (below.readableEnded) leave();
  else below.once("end", leave);
}

/** How long a program may take for its handshake, in milliseconds. */
const HANDSHAKE_MS = 60_000;

const UNTRUSTED =
  "the program does not trust the sandbox's certificate: it pins another, or reads none of the variables (see docs/network.md)";

const NOT_HTTP = "it does not speak HTTP, which the rules are about";
