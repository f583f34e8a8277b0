/**
 * Whether a request is meant for the host that it came to: the name connected to, the name of the TLS handshake, and `Host`
 * or `:authority` must be one.
 *
 * @module
 */
import { canonicalAddress } from "../../policy/core.ts";

/** A connection's own name. */
export interface Origin {
  readonly scheme: "http" | "https";
  /** Lower case without a final dot, or an address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** As it stands in a URL: with the port where it is not the scheme's own. */
export function authorityOf({ scheme, host, port }: Origin): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return port === (scheme === "https" ? 443 : 80) ? name : `${name}:${port}`;
}

/** A name as it is compared. */
export function canonicalName(name: string): string {
  const plain = name
    .toLowerCase()
    .replace(/\.$/, "")
    .replace(/^\[|\]$/g, "");
  return canonicalAddress(plain);
}

/** What stands against an authority, as the end of a sentence. */
export function authorityProblem(authority: string, origin: Origin): string | undefined {
  const parts = /^(\[[0-9A-Fa-f:.]+\]|[^:[\]@/?#\s]+)(?::(\d{1,5}))?$/.exec(authority);
  if (parts === null) return "its Host is malformed";
  const host = canonicalName(parts[1] ?? "");
  const port = parts[2] === undefined ? (origin.scheme === "https" ? 443 : 80) : Number(parts[2]);
  if (host === origin.host && port === origin.port) return undefined;
  return `it names another host than the one connected to, ${authorityOf(origin)}`;
}
