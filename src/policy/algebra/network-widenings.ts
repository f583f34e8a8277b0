/**
 * Everything by which a newer policy may let more out to the network than an older one.
 *
 * @module
 */
import type { ComparedRule, Comparison } from "../compare-rules.ts";
import { impliedAddresses } from "../connections.ts";
import type { NormalizedNetworkDenial, NormalizedNetworkRule, NormalizedPolicy } from "../normalized.ts";
import { placeOf, ruleWidenings, type Widening } from "../widenings.ts";
import { containsHttp, type Http } from "./contains-request.ts";
import { type Conditions, conditionsMayMeet, containsConditions, containsRange } from "./hosts.ts";

/** A rule on connections, as it is compared. */
interface ConnectionRule extends ComparedRule, Conditions {
  readonly http?: Http;
  readonly audits: boolean;
  readonly terminates: boolean;
  /** Its own, beside those of the section. */
  readonly addresses: readonly string[];
}

/** Why more may be reached. */
export function networkWidenings(old: NormalizedPolicy, next: NormalizedPolicy): readonly Widening[] {
  const [before, after] = [rulesOf(old), rulesOf(next)];
  const listed = old.network.privateRanges;
  const comparison: Comparison<ConnectionRule> = {
    before,
    after,
    unmatchedBefore: old.network.unmatched,
    unmatchedAfter: next.network.unmatched,
    contains: (wide, narrow) => containsRule(wide, narrow, listed),
    mayMeet: conditionsMayMeet,
    // Whoever is asked because nothing matches is asked again about each request.
    isUnmatchedAsk: () => false,
  };
  const opened = next.network.privateRanges.find((range) => !listed.some((other) => containsRange(other, range)));
  const ranges: Widening[] =
    opened === undefined
      ? []
      : [{ because: `${opened} may be dialed by every rule`, path: ["network", "privateRanges"] }];
  return [
    ...ruleWidenings("network", comparison, (id) => placeOf("network", ["allow", "ask"], next.network, id)),
    ...lostInspections(comparison),
    ...ranges,
  ];
}

function rulesOf({ network }: NormalizedPolicy): ConnectionRule[] {
  const rule = (verdict: "allow" | "ask", each: NormalizedNetworkRule): ConnectionRule => ({
    ...common(each),
    ...(each.defer === undefined ? { verdict } : { verdict: "ask", defer: each.defer }),
    audits: each.enforcement === "audit",
    terminates: each.tls === "terminate",
    addresses: [...each.addresses, ...impliedAddresses(each.host)],
  });
  return [
    ...network.allow.map((each) => rule("allow", each)),
    ...network.deny.map((each): ConnectionRule => {
      return { ...common(each), verdict: "deny", audits: false, terminates: false, addresses: [] };
    }),
    ...network.ask.map((each) => rule("ask", each)),
  ];
}

function common({ id, host, ports, binaries, http }: NormalizedNetworkDenial | NormalizedNetworkRule) {
  return { ruleId: id, host, ports, binaries, ...(http === undefined ? {} : { http }) };
}

function containsRule(wide: ConnectionRule, narrow: ConnectionRule, listed: readonly string[]): boolean {
  if (!containsConditions(wide, narrow)) return false;
  const known = [...wide.addresses, ...listed];
  if (wide.verdict !== "deny" && !narrow.addresses.every((range) => known.some((it) => containsRange(it, range)))) {
    return false;
  }
  const [wideWhole, narrowWhole] = [wide.http === undefined, narrow.http === undefined];
  // To be asked once about a connection is not to be asked about each of its requests.
  if (wide.verdict === "ask" && narrow.verdict === "ask" && wideWhole !== narrowWhole) return false;
  // What a rule that audits does not cover passes as well.
  if (narrow.audits) return wideWhole || (wide.audits && containsHttp(wide.http, narrow.http, false));
  return containsHttp(wide.http, narrow.http, wide.verdict === "deny");
}

/** Rules that had TLS opened, and nothing but HTTP passed: without them, bytes of any kind may pass. */
function lostInspections({ before, after, unmatchedAfter }: Comparison<ConnectionRule>): Widening[] {
  const inspects = ({ http, terminates }: ConnectionRule) => http !== undefined || terminates;
  const lost = before.filter(inspects).filter((rule) => {
    if (after.some((other) => inspects(other) && containsConditions(other, rule))) return false;
    const passes = after.some((it) => it.verdict !== "deny" && !inspects(it) && conditionsMayMeet(it, rule));
    return passes || unmatchedAfter === "ask";
  });
  return lost.map(({ ruleId }) => ({
    because: `without ${ruleId} of the old policy other bytes than HTTP may pass`,
    path: ["network"],
    rule: { of: "old", id: ruleId },
  }));
}
