/**
 * The network rules of a policy as what decides about connections, and the decision. Pure.
 *
 * @module
 */
import { compileGlob, type GlobMatcher } from "./glob.ts";
import type { NormalizedNetworkDenial, NormalizedNetworkRule, NormalizedPolicy } from "./normalized.ts";
import { absolutePattern, type Places } from "./paths.ts";
import type { Unmatched, Verdict } from "./types.ts";

/** A connection that is asked for. */
export interface ConnectionAttempt {
  /** A name in lower case without a final dot, or an IPv4 address. */
  readonly host: string;
  readonly port: number;
  /** The path of the program; empty where it is not known. */
  readonly binary: string;
}

/** What the policy says about one. */
export interface ConnectionRuling {
  readonly verdict: Verdict;
  /** The rule that says so. Absent: none matched. */
  readonly ruleId?: string;
  /** The hook that the rule leaves the answer to. */
  readonly defer?: string;
  /** What may be dialed beside public addresses: CIDR, or single ones. */
  readonly addresses: readonly string[];
}

/** A rule on connections. */
export interface ConnectionRule {
  /** What it says. A rule that defers to a hook says `ask`. */
  readonly verdict: Verdict;
  readonly ruleId: string;
  readonly defer?: string;
  readonly addresses: readonly string[];
  readonly matches: (attempt: ConnectionAttempt) => boolean;
}

/** What decides about connections. */
export interface ConnectionTable {
  readonly rules: readonly ConnectionRule[];
  readonly unmatched: Unmatched;
  readonly privateRanges: readonly string[];
}

/** The rules of the network section in the order of the policy: allow, deny, ask. */
export function connectionTable({ network }: NormalizedPolicy, places: Places): ConnectionTable {
  const rule = (verdict: Verdict, { id, defer, addresses, ...rest }: NormalizedNetworkRule): ConnectionRule => ({
    ...(defer === undefined ? { verdict } : { verdict: "ask", defer }),
    ruleId: id,
    // An address that is written down is one that is meant.
    addresses: isIpv4(rest.host) ? [...addresses, rest.host] : addresses,
    matches: matcher(rest, places),
  });
  return {
    rules: [
      ...network.allow.map((each) => rule("allow", each)),
      ...network.deny.map((each) => {
        return { verdict: "deny", ruleId: each.id, addresses: [], matches: matcher(each, places) } as const;
      }),
      ...network.ask.map((each) => rule("ask", each)),
    ],
    unmatched: network.unmatched,
    privateRanges: network.privateRanges,
  };
}

/** Decides about a connection: deny before ask before allow, and the first rule that says so is named. */
export function evaluateConnection(table: ConnectionTable, attempt: ConnectionAttempt): ConnectionRuling {
  const matching = table.rules.filter((rule) => rule.matches(attempt));
  const decides = (["deny", "ask", "allow"] as const)
    .map((verdict) => matching.find((rule) => rule.verdict === verdict))
    .find((rule) => rule !== undefined);
  const addresses = [...table.privateRanges, ...matching.flatMap((rule) => rule.addresses)];
  if (decides === undefined) return { verdict: table.unmatched, addresses };
  const { verdict, ruleId, defer } = decides;
  return { verdict, ruleId, ...(defer === undefined ? {} : { defer }), addresses };
}

type Conditions = Pick<NormalizedNetworkDenial, "host" | "ports" | "binaries">;

function matcher({ host, ports, binaries }: Conditions, places: Places): ConnectionRule["matches"] {
  const inHost = hostMatcher(host);
  const inPorts = ports === "all" ? undefined : new Set(ports);
  const inBinaries = binaries === "any" ? undefined : binaries.map((binary) => binaryMatcher(binary, places));
  return (attempt) => {
    if (!inHost(attempt.host) || inPorts?.has(attempt.port) === false) return false;
    return inBinaries === undefined || inBinaries.some((matches) => matches(attempt.binary));
  };
}

/** A pattern of names never means an address, or `**` in a rule would reach what has no name; one address means itself. */
function hostMatcher(host: string): GlobMatcher {
  if (isIpv4(host)) return (text) => text === host;
  const matches = compileGlob(host, ".");
  return (text) => !isIpv4(text) && matches(text);
}

/** A name matches in every directory. */
function binaryMatcher(binary: string, places: Places): GlobMatcher {
  const isName = !binary.includes("/") && binary !== "~";
  return compileGlob(isName ? `/**/${binary}` : absolutePattern(binary, places));
}

function isIpv4(text: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text);
}
