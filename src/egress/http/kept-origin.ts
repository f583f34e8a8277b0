/**
 * The kept connections to one origin, of whichever version of HTTP the host speaks.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { connectTls, type UpstreamTrust } from "../tls/upstream-tls.ts";
import type { UpgradedResponse, UpgradeRequest, UpstreamRequest, UpstreamResponse } from "./exchange.ts";
import type { Origin } from "./host.ts";
import { type KeptSession, KeptSessions } from "./kept-sessions.ts";
import { type Dial, OriginAgent } from "./origin-agent.ts";
import { sendHttp1, upgradeHttp1 } from "./upstream-http1.ts";
import { neverSeen, sendHttp2 } from "./upstream-http2.ts";

/** How the version is found: the handshake tells, or the program knows. */
export type Protocol = "negotiated" | "http/1.1" | "h2c";

/** What is kept for one origin. */
export class KeptOrigin {
  readonly #origin: Origin;
  readonly #trust: UpstreamTrust;
  readonly #agent = new OriginAgent();
  readonly #sessions = new KeptSessions();
  /** Agreed to HTTP/1.1, and not used yet. */
  readonly #spare: Duplex[] = [];
  #protocol: Protocol;
  #connecting: Promise<void> | undefined;

  constructor(origin: Origin, protocol: Protocol, trust: UpstreamTrust) {
    this.#origin = origin;
    this.#protocol = protocol;
    this.#trust = trust;
  }

  get busy(): boolean {
    return this.#agent.busy || this.#sessions.busy;
  }

  /** Sends a request; a new connection is made by `dial`. */
  async send(dial: Dial, request: UpstreamRequest): Promise<UpstreamResponse> {
    const kept = await this.#session(dial, request.signal);
    if (kept === undefined) return sendHttp1(this.#agent, this.#dialHttp1(dial), request);
    try {
      return await this.#sendHttp2(kept, request);
    } catch (error) {
      if (request.body !== undefined || request.signal.aborted || !neverSeen(error)) throw error;
      // A connection that the host was leaving just then: the request never was.
      const other = await this.#session(dial, request.signal);
      if (other === undefined) return sendHttp1(this.#agent, this.#dialHttp1(dial), request);
      return this.#sendHttp2(other, request);
    }
  }

  /** Asks to change the protocol, on a connection of its own. */
  upgrade(dial: Dial, request: UpgradeRequest): Promise<UpgradedResponse | UpstreamResponse> {
    return upgradeHttp1(this.#origin.scheme === "http" ? dial : () => this.#secure(dial, ["http/1.1"]), request);
  }

  /** Keeps no connection from now on. */
  retire(): void {
    this.#agent.retire();
    this.#sessions.retire();
    this.#dropSpare();
  }

  /** Closes all. */
  destroy(): void {
    this.#agent.destroy();
    this.#sessions.destroy();
    this.#dropSpare();
  }

  #sendHttp2(kept: KeptSession, request: UpstreamRequest): Promise<UpstreamResponse> {
    try {
      const { stream, response } = sendHttp2(kept.session, this.#origin, request);
      stream.once("close", () => kept.open--);
      return response;
    } catch (error) {
      kept.open--;
      throw error;
    }
  }

  /** Undefined: the host speaks HTTP/1.1. */
  async #session(dial: Dial, signal: AbortSignal): Promise<KeptSession | undefined> {
    while (this.#protocol !== "http/1.1") {
      signal.throwIfAborted();
      const kept = this.#sessions.take();
      if (kept !== undefined) return kept;
      if (this.#connecting !== undefined) {
        // Whoever began it may have gone: then the next one tries.
        await this.#connecting.catch(() => undefined);
        continue;
      }
      const connecting = this.#connect(dial);
      this.#connecting = connecting;
      try {
        await connecting;
      } finally {
        this.#connecting = undefined;
      }
    }
    return undefined;
  }

  async #connect(dial: Dial): Promise<void> {
    if (this.#protocol === "h2c") return this.#sessions.add(this.#origin, await dial());
    const socket = await this.#secure(dial, ["h2", "http/1.1"]);
    if (socket.alpnProtocol === "h2") return this.#sessions.add(this.#origin, socket);
    this.#protocol = "http/1.1";
    this.#spare.push(socket);
  }

  #dialHttp1(dial: Dial): Dial {
    return async () => {
      if (this.#origin.scheme === "http") return dial();
      for (let socket = this.#spare.pop(); socket !== undefined; socket = this.#spare.pop()) {
        if (!socket.destroyed) return socket;
      }
      return this.#secure(dial, ["http/1.1"]);
    };
  }

  async #secure(dial: Dial, protocols: readonly string[]): Promise<TLSSocket> {
    return connectTls(await dial(), this.#origin.host, protocols, this.#trust);
  }

  #dropSpare(): void {
    for (const socket of this.#spare.splice(0)) socket.destroy();
  }
}
