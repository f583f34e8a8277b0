/**
 * Addresses and ranges of addresses, as text.
 *
 * Shape: IPv4 in four decimal parts, IPv6 without brackets or zone; ranges as CIDR (RFC 4632). `0177.1`, `2130706433` and
 * `fe80::1%eth0` are none.
 *
 * @module
 */
import ipaddr from "ipaddr.js";

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** What is public of IPv6 lies here; RFC 4291, and the registry of special ones of RFC 6890 within it is ipaddr.js's. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");

/** Whether a text is an address, and not a name. */
export function isAddress(text: string): boolean {
  return parse(text) !== undefined;
}

/** The one form of an address: RFC 5952. What is none is given back as it is. */
export function canonicalAddress(text: string): string {
  return parse(text)?.toString() ?? text;
}

/**
 * What kind an address is of: `public`, or what it is instead, such as `loopback`, `linkLocal` (where clouds keep their
 * metadata), `private`, `ipv4Mapped` or `6to4`. What carries an IPv4 address inside is never public.
 */
export function addressKind(text: string): string {
  const address = parse(text);
  return address === undefined ? "malformed" : kindOf(address);
}

/** Whether an address lies in one of the ranges. An address of one family is never in a range of the other. */
export function isListed(text: string, listed: readonly string[]): boolean {
  return listed.some((range) => rangeMatcher(range)(text));
}

/** What tells whether an address is in a range, or is the one address. */
export function rangeMatcher(range: string): (text: string) => boolean {
  const [network, bits] = parseRange(range);
  return (text) => {
    const address = parse(text);
    return address !== undefined && network.kind() === address.kind() && address.match(network, bits);
  };
}

/** The range or address that the host of a rule is: IPv6 addresses stand in brackets there. Undefined: it is a pattern of names. */
export function hostRange(host: string): string | undefined {
  const text = host.replace(/^\[(.*)\]$/, "$1");
  return text.includes("/") || isAddress(text) ? text : undefined;
}

/**
 * Whether whoever writes a range down means addresses that are not public. A single address does; a range does if all of it
 * is of one such kind: `10.0.0.0/8`, but not `0.0.0.0/0`, which would open the metadata service of every cloud.
 */
export function meansPrivate(range: string): boolean {
  if (!range.includes("/")) return true;
  const [first, last] = ends(range);
  const kind = kindOf(first);
  return kind !== "public" && kind === kindOf(last);
}

/** What is wrong with a range, as the end of a sentence: a range that begins elsewhere than it says is somebody's slip. */
export function rangeProblem(range: string): string | undefined {
  if (!isRange(range)) return 'expected a range of addresses such as "10.0.0.0/8"';
  const [first, last] = ends(range);
  const wanted = `${first.toString()}/${range.split("/")[1]}`;
  const [given] = parseRange(range);
  if (given.toNormalizedString() !== first.toNormalizedString()) return `the range begins elsewhere: write ${wanted}`;
  if (isMapped(first) && isMapped(last)) return "IPv4 addresses are written as such";
  return undefined;
}

/** What is wrong with an IPv6 address as a host, as the end of a sentence. */
export function ipv6Problem(text: string): string | undefined {
  const address = text.includes(":") ? parse(text) : undefined;
  if (address === undefined) return "expected an IPv6 address in brackets";
  return isMapped(address) ? "IPv4 addresses are written as such" : undefined;
}

/** Whether a text is a range as CIDR. */
export function isRange(range: string): boolean {
  const [text = "", bits = "", more] = range.split("/");
  const address = parse(text);
  const most = address?.kind() === "ipv4" ? 32 : 128;
  return address !== undefined && more === undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
}

/** Azure keeps its metadata, and more, at an address that looks public, on every virtual machine. */
const METADATA = "168.63.129.16";

function kindOf(address: Address): string {
  if (address.toString() === METADATA) return "metadata";
  const range = address.range();
  if (range !== "unicast") return range;
  return address instanceof ipaddr.IPv6 && !address.match(GLOBAL_UNICAST) ? "reserved" : "public";
}

function isMapped(address: Address): boolean {
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress();
}

function parseRange(range: string): [Address, number] {
  if (range.includes("/")) return ipaddr.parseCIDR(range);
  const address = ipaddr.parse(range);
  return [address, address.kind() === "ipv4" ? 32 : 128];
}

function ends(range: string): readonly [first: Address, last: Address] {
  const family = range.includes(":") ? ipaddr.IPv6 : ipaddr.IPv4;
  return [family.networkAddressFromCIDR(range), family.broadcastAddressFromCIDR(range)];
}

function parse(text: string): Address | undefined {
  if (typeof text !== "string") return undefined;
  // Most texts are names, and the library throws to say so.
  if (/^\d/.test(text) && ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (text.includes(":") && !text.includes("%") && ipaddr.IPv6.isValid(text)) return ipaddr.IPv6.parse(text);
  return undefined;
}
