/**
 * Which addresses may be dialed: a name that the policy allows may resolve to anything, the host's own services included.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import ipaddr from "ipaddr.js";

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

/** What is public of IPv6 lies here; RFC 4291, and the registry of special ones of RFC 6890 within it is ipaddr.js's. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");

/** The resolver of the machine: getaddrinfo(3), so `/etc/hosts` counts. */
export async function systemResolver(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true, verbatim: true });
  return found.map(({ address }) => address);
}

/**
 * Resolves a host and keeps what may be dialed: public addresses, and those in the ranges that are listed.
 *
 * @param host A name, or an IPv4 address.
 * @param listed CIDR, or single addresses.
 */
export async function resolveChecked(host: string, listed: readonly string[], resolver: Resolver): Promise<Checked> {
  const found = ipaddr.IPv4.isValidFourPartDecimal(host) ? [host] : await resolver(host);
  const addresses: string[] = [];
  const refused: { address: string; kind: string }[] = [];
  for (const text of found.slice(0, ADDRESSES_MAX)) {
    const kind = addressKind(text);
    if (kind === "public" || (kind !== "malformed" && isListed(text, listed))) addresses.push(text);
    else refused.push({ address: String(text), kind });
  }
  return { addresses, refused };
}

/**
 * What kind an address is of: `public`, or what it is instead, such as `loopback`, `linkLocal` (where clouds keep their
 * metadata), `private`, `ipv4Mapped` or `6to4`. What carries an IPv4 address inside is never public.
 */
export function addressKind(text: string): string {
  const address = parse(text);
  if (address === undefined) return "malformed";
  const range = address.range();
  if (range !== "unicast") return range;
  if (address instanceof ipaddr.IPv6 && !address.match(GLOBAL_UNICAST)) return "reserved";
  return "public";
}

/** Whether an address lies in one of the ranges. An address of one family is never in a range of the other. */
export function isListed(text: string, listed: readonly string[]): boolean {
  const address = parse(text);
  if (address === undefined) return false;
  return listed.some((range) => {
    if (!range.includes("/")) return parse(range)?.toNormalizedString() === address.toNormalizedString();
    const [network, bits] = ipaddr.parseCIDR(range);
    return network.kind() === address.kind() && address.match(network, bits);
  });
}

/** Only the usual spellings: `0177.1`, `2130706433` and `fe80::1%eth0` are none. */
function parse(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (typeof text !== "string") return undefined;
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (text.includes(":") && !text.includes("%") && ipaddr.IPv6.isValid(text)) return ipaddr.IPv6.parse(text);
  return undefined;
}
