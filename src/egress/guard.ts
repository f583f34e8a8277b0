/**
 * Which addresses may be dialed: a name that the policy allows may resolve to anything, the host's own services included.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { addressKind, canonicalAddress, isAddress, isListed } from "../policy/core.ts";

/**
 * Finds the addresses of a host name, in the order in which they are to be tried.
 *
 * Shape: IPv4 and IPv6 addresses as text. An empty list: there is no such host.
 */
export type Resolver = (host: string) => PromiseLike<readonly string[]> | readonly string[];

/** What resolving and checking came to. `refused`: an address that nothing lists, and what kind it is of. */
export interface Checked {
  /** May be dialed, in order: exactly these, however the name resolves a moment later. */
  readonly addresses: readonly string[];
  readonly refused: readonly { readonly address: string; readonly kind: string }[];
}

/** As many of a name's addresses are looked at. */
const ADDRESSES_MAX = 32;

/** The resolver of the machine: getaddrinfo(3), so `/etc/hosts` counts. */
export async function systemResolver(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true, verbatim: true });
  return found.map(({ address }) => address);
}

/**
 * Resolves a host and keeps what may be dialed: public addresses, and those in the ranges that are listed.
 *
 * @param host A name, or an address.
 * @param listed CIDR, or single addresses.
 * @param own The addresses that this machine has: what listens there may be meant for nobody else, however public they are.
 */
export async function resolveChecked(
  host: string,
  listed: readonly string[],
  resolver: Resolver,
  own: ReadonlySet<string> = ownAddresses(),
): Promise<Checked> {
  const found = isAddress(host) ? [host] : await resolver(host);
  const addresses: string[] = [];
  const refused: { address: string; kind: string }[] = [];
  for (const text of found.slice(0, ADDRESSES_MAX)) {
    const kind = refusedKind(text, listed, own);
    if (kind === undefined) addresses.push(text);
    else refused.push({ address: String(text), kind });
  }
  return { addresses, refused };
}

/** What kind an address is of that may not be dialed; undefined where it may. */
export function refusedKind(text: string, listed: readonly string[], own: ReadonlySet<string>): string | undefined {
  const kind = own.has(canonicalAddress(text)) ? "this machine's own" : addressKind(text);
  return kind === "public" || (kind !== "malformed" && isListed(text, listed)) ? undefined : kind;
}

/** The public addresses that this machine has. */
export function ownAddresses(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
  return new Set(
    all.filter(({ address }) => addressKind(address) === "public").map(({ address }) => canonicalAddress(address)),
  );
}
