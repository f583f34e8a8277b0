/**
 * What is reached without a proxy: the entries of `NO_PROXY`.
 *
 * @module
 */
import { isAddress, isListed, isRange, rangeMatcher } from "../../policy/core.ts";

/** A host that is to be reached. */
export interface ProxyTarget {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
  /** The addresses that were found and may be dialed. Empty: nobody knows them here. */
  readonly addresses: readonly string[];
}

/** Whether a host is reached without a proxy. */
export type ProxyExceptions = (target: ProxyTarget) => boolean;

/** This machine's own loopback is no proxy's. */
const LOOPBACK = ["127.0.0.0/8", "::1"];

/**
 * Reads them. A name stands for itself and everything below it, with or without a dot or `*.` before it. Ranges are compared
 * with the addresses that are dialed, all of which must lie in one.
 */
export function readExceptions(entries: readonly string[]): ProxyExceptions {
  const exceptions = entries
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "")
    .map(readException);
  return (target) => {
    const addresses = isAddress(target.host) ? [target.host] : target.addresses;
    const isOwn = addresses.length > 0 && addresses.every((address) => isListed(address, LOOPBACK));
    return isOwn || exceptions.some((matches) => matches({ ...target, addresses }));
  };
}

function readException(entry: string): ProxyExceptions {
  if (entry === "*") return () => true;
  const [, text = "", digits] = /^\[?(.*?)\]?(?::(\d{1,5}))?$/.exec(withoutDoubt(entry)) ?? [];
  const inPort = (port: number): boolean => digits === undefined || port === Number(digits);
  if (isAddress(text) || isRange(text)) {
    const inRange = rangeMatcher(text);
    return ({ port, addresses }) => inPort(port) && addresses.length > 0 && addresses.every(inRange);
  }
  const name = text
    .toLowerCase()
    .replace(/^\*?\./, "")
    .replace(/\.$/, "");
  return ({ host, port }) => name !== "" && inPort(port) && (host === name || host.endsWith(`.${name}`));
}

/** An IPv6 address alone is all address, whatever its last colon looks like. */
function withoutDoubt(entry: string): string {
  return isAddress(entry) || isRange(entry) ? `[${entry}]` : entry;
}
