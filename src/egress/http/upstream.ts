/**
 * The side of the real hosts: connections that are kept, one pool for each origin.
 *
 * @module
 */
import { connectTls, type UpstreamTrust } from "../tls/upstream-tls.ts";
import type { UpgradedResponse, UpgradeRequest, UpstreamRequest, UpstreamResponse } from "./exchange.ts";
import { authorityOf, type Origin } from "./host.ts";
import { type Dial, OriginAgent } from "./origin-agent.ts";
import { sendHttp1, upgradeHttp1 } from "./upstream-http1.ts";

/** Where requests of a connection go. */
export interface Upstream {
  send(request: UpstreamRequest): Promise<UpstreamResponse>;
  /** Asks to change the protocol. The host may answer as to any request. */
  upgrade(request: UpgradeRequest): Promise<UpgradedResponse | UpstreamResponse>;
}

/** The most hosts that connections are kept for. */
const ORIGINS_MAX = 128;

/** The kept connections of one sandbox. */
export class UpstreamPool {
  readonly #agents = new Map<string, OriginAgent>();
  readonly #trust: UpstreamTrust;

  constructor(trust: UpstreamTrust) {
    this.#trust = trust;
  }

  /** The upstream of an origin. New connections are made by `dial`; kept ones are those of the same route. */
  to(origin: Origin, route: string, dial: Dial): Upstream {
    const connect = this.#connector(origin, dial);
    return {
      send: (request) => sendHttp1(this.#agentOf(origin, route), connect, request),
      upgrade: (request) => upgradeHttp1(connect, request),
    };
  }

  /** Closes what is idle; what is in use ends with its request. */
  drain(): void {
    for (const agent of this.#agents.values()) agent.retire();
    this.#agents.clear();
  }

  /** Closes everything. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #connector(origin: Origin, dial: Dial): Dial {
    if (origin.scheme === "http") return dial;
    return async () => connectTls(await dial(), origin.host, ["http/1.1"], this.#trust);
  }

  #agentOf(origin: Origin, route: string): OriginAgent {
    const key = `${origin.scheme}://${authorityOf(origin)} ${route}`;
    const agent = this.#agents.get(key) ?? new OriginAgent();
    // The order of use is the order of the map.
    this.#agents.delete(key);
    this.#agents.set(key, agent);
    for (const [oldest, { busy }] of this.#agents) {
      if (this.#agents.size <= ORIGINS_MAX) break;
      if (busy) continue;
      this.#agents.get(oldest)?.destroy();
      this.#agents.delete(oldest);
    }
    return agent;
  }
}
