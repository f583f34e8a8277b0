/**
 * The way to a host: its addresses found and checked, then dialed, or asked of a proxy.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import { isAddress } from "../policy/core.ts";
import { type DialOptions, dial } from "./dial.ts";
import { type Resolver, resolveChecked } from "./guard.ts";
import type { ProxySettings, UpstreamProxy } from "./proxy/settings.ts";
import { openTunnel } from "./proxy/tunnel.ts";
import type { UpstreamTrust } from "./tls/upstream-tls.ts";

/** A host that the policy allows. */
export interface ReachTarget {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
  /** What is spoken: it chooses the proxy. */
  readonly speaks: "https" | "http" | "other";
  /** What may be dialed beside public addresses. */
  readonly listed: readonly string[];
  /** Why an address that was found may not be dialed after all; undefined where it may. */
  readonly refuses: (address: string) => string | undefined;
}

/** What the way is made of. */
export interface ReachSetting {
  readonly resolver: Resolver;
  /** Absent: none. */
  readonly proxies: ProxySettings | undefined;
  /** Whose certificates a proxy may have. */
  readonly trust: () => UpstreamTrust;
}

/** A connection to a host. */
export interface Reached {
  readonly stream: Duplex;
  /** Where it ends, as it was checked. Absent: a proxy chose it. */
  readonly address: string | undefined;
}

/** Nothing of what was found may be dialed. `reason` is the end of a sentence. */
export class Unreachable extends Error {
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}

/** So many addresses are asked of a proxy that does not get to the first. */
const TRIES = 3;

/**
 * Connects.
 *
 * @throws {Unreachable} If the host may not be reached.
 * @throws {Error} With a `code`, as `dial` and `openTunnel` do; `ENOTFOUND` if there is no such host.
 */
export async function reach(target: ReachTarget, setting: ReachSetting, options: DialOptions): Promise<Reached> {
  const { proxies } = setting;
  const isNamed = proxies?.resolve === "proxy" && !isAddress(target.host);
  const { addresses, refusal } = await find(target, setting, isNamed);
  const proxy = proxies && proxyFor(proxies, target, addresses);
  if (proxy !== undefined && isNamed) {
    // Nobody knows which one the proxy will choose.
    if (refusal !== undefined) throw new Unreachable(refusal);
    if (addresses.length === 0 && isPrivateName(target.host)) throw new Unreachable(UNCHECKED);
    return { stream: await openTunnel(proxy, target, setting.trust(), options), address: undefined };
  }
  if (addresses.length === 0 && refusal !== undefined) throw new Unreachable(refusal);
  if (addresses.length === 0) throw Object.assign(new Error("there is no such host"), { code: "ENOTFOUND" });
  if (proxy === undefined) {
    const socket = await dial(addresses, target.port, options);
    return { stream: socket, address: socket.remoteAddress };
  }
  return firstOf(addresses.slice(0, TRIES), async (host) => {
    const stream = await openTunnel(proxy, { host, port: target.port }, setting.trust(), options);
    return { stream, address: host };
  });
}

/** What may be dialed, and why something may not. */
async function find(
  { host, listed, refuses }: ReachTarget,
  { resolver }: ReachSetting,
  mayBeUnknown: boolean,
): Promise<{ readonly addresses: readonly string[]; readonly refusal: string | undefined }> {
  const quiet: Resolver = async (name) => {
    try {
      return await resolver(name);
    } catch {
      return [];
    }
  };
  const { addresses, refused } = await resolveChecked(host, listed, mayBeUnknown ? quiet : resolver);
  const [first] = refused;
  const denied = addresses.map(refuses);
  const refusal =
    first === undefined ? denied.find((reason) => reason !== undefined) : unlisted(first.address, first.kind);
  return { addresses: addresses.filter((_, index) => denied[index] === undefined), refusal };
}

/** Why an address may not be dialed, as the end of a sentence. */
export function unlisted(address: string, kind: string): string {
  return `it resolves to ${address} (${kind}), which no rule lists in its addresses`;
}

function proxyFor(
  proxies: ProxySettings,
  target: ReachTarget,
  addresses: readonly string[],
): UpstreamProxy | undefined {
  const proxy = target.speaks === "other" ? proxies.all : (proxies[target.speaks] ?? proxies.all);
  if (proxy === undefined || proxies.except({ host: target.host, port: target.port, addresses })) return undefined;
  return proxy;
}

const UNCHECKED = "it is a name of private networks, whose address cannot be checked here";

/** RFC 6761, RFC 6762, RFC 8375, and `.internal`, which ICANN keeps free for this. A name without a dot is nobody's. */
function isPrivateName(host: string): boolean {
  const name = host.replace(/\.$/, "");
  return (
    !name.includes(".") ||
    // To a proxy `127.1` may be an address.
    /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(name) ||
    /(?:^|\.)(?:local|localhost|internal|intranet|corp|lan|home|private|home\.arpa)$/.test(name)
  );
}

async function firstOf<T>(values: readonly string[], attempt: (value: string) => Promise<T>): Promise<T> {
  let failure: unknown;
  for (const value of values) {
    try {
      return await attempt(value);
    } catch (error) {
      failure = error;
      if ((error as NodeJS.ErrnoException).code !== "EHOSTUNREACH") throw error;
    }
  }
  throw failure;
}
