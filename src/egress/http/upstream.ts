/**
 * The side of the real hosts: connections that are kept, one pool for each origin.
 *
 * @module
 */
import type { UpstreamTrust } from "../tls/upstream-tls.ts";
import type { UpgradedResponse, UpgradeRequest, UpstreamRequest, UpstreamResponse } from "./exchange.ts";
import { authorityOf, type Origin } from "./host.ts";
import { KeptOrigin, type Protocol } from "./kept-origin.ts";
import type { Dial } from "./origin-agent.ts";

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
  readonly #kept = new Map<string, KeptOrigin>();
  readonly #trust: UpstreamTrust;

  constructor(trust: UpstreamTrust) {
    this.#trust = trust;
  }

  /** The upstream of an origin. New connections are made by `dial`; kept ones are those of the same route. */
  to(origin: Origin, protocol: Protocol, route: string, dial: Dial): Upstream {
    const kept = () => this.#keptOf(origin, protocol, route);
    return {
      send: (request) => kept().send(dial, request),
      upgrade: (request) => kept().upgrade(dial, request),
    };
  }

  /** Closes what is idle; what is in use ends with its request. */
  drain(): void {
    for (const kept of this.#kept.values()) kept.retire();
    this.#kept.clear();
  }

  /** Closes everything. */
  close(): void {
    for (const kept of this.#kept.values()) kept.destroy();
    this.#kept.clear();
  }

  #keptOf(origin: Origin, protocol: Protocol, route: string): KeptOrigin {
    const key = `${protocol} ${origin.scheme}://${authorityOf(origin)} ${route}`;
    const kept = this.#kept.get(key) ?? new KeptOrigin(origin, protocol, this.#trust);
    // The order of use is the order of the map.
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    for (const [oldest, { busy }] of this.#kept) {
      if (this.#kept.size <= ORIGINS_MAX) break;
      if (busy) continue;
      this.#kept.get(oldest)?.destroy();
      this.#kept.delete(oldest);
    }
    return kept;
  }
}
