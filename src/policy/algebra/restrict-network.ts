/**
 * What two policies both let out to the network.
 *
 * @module
 */
import { addressKind, isAddress } from "../addresses.ts";
import { impliedAddresses } from "../connections.ts";
import { canonicalJson } from "../digest.ts";
import type { NormalizedNetworkDenial, NormalizedNetworkRule, NormalizedPolicy } from "../normalized.ts";
import type { RuleEnforcement, TlsMode } from "../types.ts";
import { type Http, httpRulesOf } from "./contains-request.ts";
import { type Emission, meeting, type RuleOf } from "./emissions.ts";
import { type Conditions, containsConditions, containsRange, meetConditions, meetRanges } from "./hosts.ts";
import { meetHttp } from "./meet-requests.ts";
import type { Part } from "./parts.ts";

interface ReachRule extends RuleOf, Conditions {
  readonly verdict: "allow" | "ask" | "deny";
  readonly defer?: string;
  readonly http?: Http;
  readonly tls: TlsMode;
  readonly enforcement: RuleEnforcement;
  /** All that may be dialed beside public addresses. */
  readonly addresses: readonly string[];
}

/** The entries of all lists. */
export function restrictNetwork(policy: Part, cap: Part): readonly Emission[] {
  const [a, b] = [rulesOf(policy), rulesOf(cap)];
  const shared = meetRanges(policy.normalized.network.privateRanges, cap.normalized.network.privateRanges);
  const of = (rules: readonly ReachRule[], verdict: ReachRule["verdict"]) =>
    rules.filter((it) => it.verdict === verdict);
  const pairs = (left: readonly ReachRule[], right: readonly ReachRule[], meet: Meet): Emission[] => {
    return left.flatMap((one) => {
      return right.flatMap((other) => {
        return meeting(one, other, () =>
          meetConditions(one, other).flatMap((where) => meet(one, other, where, shared)),
        );
      });
    });
  };
  const isMutualAsk = asksRest(policy.normalized) && asksRest(cap.normalized);
  return [
    ...pairs(of(a, "allow"), of(b, "allow"), granted),
    ...[...of(a, "deny"), ...of(b, "deny")].map((rule) => denied(rule, rule.http, [rule])),
    ...pairs(of(a, "ask"), of(b, "allow"), asked),
    ...pairs(of(b, "ask"), of(a, "allow"), asked),
    ...pairs(of(a, "ask"), of(b, "ask"), askedTwice),
    ...(isMutualAsk ? [...unanswered(of(a, "ask"), b), ...unanswered(of(b, "ask"), a)] : []),
  ];
}

type Meet = (a: ReachRule, b: ReachRule, where: Conditions, shared: readonly string[]) => Emission[];

/** Whether what no rule matches may be asked about: not, where some rule has TLS opened, for then only HTTP passes. */
export function asksUnmatched(policy: Part, cap: Part): boolean {
  return [policy, cap].every(
    ({ normalized }) => asksRest(normalized) && !rulesOf({ ...policy, normalized }).some(opens),
  );
}

function asksRest({ network }: NormalizedPolicy): boolean {
  return network.unmatched === "ask";
}

function opens({ verdict, http, tls }: ReachRule): boolean {
  return verdict !== "deny" && (http !== undefined || tls === "terminate");
}

function rulesOf(part: Part): ReachRule[] {
  const { allow, deny, ask, privateRanges } = part.normalized.network;
  const common = (rule: NormalizedNetworkRule | NormalizedNetworkDenial) => {
    const { id, host, ports, binaries, http } = rule;
    return { part, ruleId: id, host, ports, binaries, ...(http === undefined ? {} : { http }) };
  };
  const rule = (verdict: "allow" | "ask", each: NormalizedNetworkRule): ReachRule => ({
    ...common(each),
    ...(each.defer === undefined ? { verdict } : { verdict: "ask", defer: each.defer }),
    tls: each.tls,
    enforcement: each.enforcement,
    addresses: [...privateRanges, ...each.addresses, ...impliedAddresses(each.host)],
  });
  return [
    ...allow.map((each) => rule("allow", each)),
    ...deny.map((each): ReachRule => {
      return { ...common(each), verdict: "deny", tls: "auto", enforcement: "enforce", addresses: [] };
    }),
    ...ask.map((each) => rule("ask", each)),
  ];
}

/** What both allow. */
function granted(a: ReachRule, b: ReachRule, where: Conditions, shared: readonly string[]): Emission[] {
  const { http, isEmpty } = meetHttp(a.http, b.http);
  if (isEmpty) return [];
  if (opensAddress(a, b, where)) return opens(a) || opens(b) ? [denied(where, undefined, [a, b])] : [];
  return [reach("network.allow", a, b, where, http, shared)];
}

/** An ask and an allowance are an ask: about the connection, or about requests. What is neither is denied. */
function asked(ask: ReachRule, allow: ReachRule, where: Conditions, shared: readonly string[]): Emission[] {
  const isMixed = ask.http === undefined && allow.http !== undefined;
  return isMixed ? [denied(where, undefined, [ask, allow])] : askedBoth(ask, allow, where, shared);
}

function askedTwice(a: ReachRule, b: ReachRule, where: Conditions, shared: readonly string[]): Emission[] {
  if ((a.http === undefined) !== (b.http === undefined)) return [denied(where, undefined, [a, b])];
  const both = audits(a) || audits(b);
  if (a.defer === b.defer) return [...askedBoth(a, b, where, shared), ...(both ? askedBoth(b, a, where, shared) : [])];
  // Nobody can be asked in two places.
  const { isEmpty, exact } = meetHttp(a.http, b.http);
  if (both) return [denied(where, a.http, [a, b]), denied(where, b.http, [a, b])];
  return isEmpty && exact ? [] : [denied(where, a.http, [a, b])];
}

function askedBoth(ask: ReachRule, other: ReachRule, where: Conditions, shared: readonly string[]): Emission[] {
  // What only audits lets everything pass.
  const whole = { http: ask.http, isEmpty: false, exact: true };
  const { http, isEmpty, exact } = audits(other) ? whole : meetHttp(ask.http, other.http);
  if (isEmpty && exact) return [];
  if (!exact || opensAddress(ask, other, where)) return [denied(where, ask.http, [ask, other])];
  return [reach("network.ask", ask, other, where, http, shared)];
}

function audits({ enforcement }: ReachRule): boolean {
  return enforcement === "audit";
}

/** What one leaves to a hook, and the other to the approver because nothing matches. */
function unanswered(asks: readonly ReachRule[], others: readonly ReachRule[]): Emission[] {
  return asks
    .filter((rule) => {
      if (rule.defer === undefined) return false;
      return !others.some((other) => {
        if (other.verdict === "deny" || !containsConditions(other, rule)) return false;
        if (other.verdict === "allow") return other.http === undefined;
        return other.defer === rule.defer && canonicalJson(other.http ?? null) === canonicalJson(rule.http ?? null);
      });
    })
    .map((rule) => denied(rule, rule.http, [rule]));
}

/** Whether a rule on this host would by itself let addresses be dialed that one of the two does not list. */
function opensAddress(a: ReachRule, b: ReachRule, { host }: Conditions): boolean {
  return impliedAddresses(host).some((range) => {
    if (isAddress(range) && addressKind(range) === "public") return false;
    return ![a, b].every(({ addresses }) => addresses.some((listed) => containsRange(listed, range)));
  });
}

function reach(
  list: "network.allow" | "network.ask",
  a: ReachRule,
  b: ReachRule,
  where: Conditions,
  http: Http,
  shared: readonly string[],
): Emission {
  const known = [...shared, ...impliedAddresses(where.host)];
  const addresses = meetRanges(a.addresses, b.addresses).filter(
    (range) => !known.some((it) => containsRange(it, range)),
  );
  const tls = tlsOf(a, b);
  const defer = a.defer ?? b.defer;
  const isAudit = [a, b].every((it) => audits(it) || it.http === undefined) && http !== undefined;
  const body = {
    ...placeOf(where, [443]),
    ...(tls === "auto" ? {} : { tls }),
    ...(http === undefined ? {} : { http }),
    ...(addresses.length === 0 ? {} : { addresses }),
    ...(isAudit ? { enforcement: "audit" } : {}),
    ...(defer === undefined ? {} : { defer }),
  };
  return { list, body, rules: [a, b] };
}

function tlsOf(a: ReachRule, b: ReachRule): TlsMode {
  if (a.tls === "terminate" || b.tls === "terminate") return "terminate";
  return a.tls === "passthrough" && b.tls === "passthrough" ? "passthrough" : "auto";
}

function placeOf({ host, ports, binaries }: Conditions, usual: readonly number[] | "all") {
  return {
    host,
    ...(canonicalJson(ports) === canonicalJson(usual) ? {} : { ports }),
    ...(binaries === "any" ? {} : { binaries }),
  };
}

function denied(where: Conditions, http: Http, rules: readonly RuleOf[]): Emission {
  const requests = http === undefined ? {} : { http: { rules: httpRulesOf(http) } };
  return { list: "network.deny", body: { ...placeOf(where, "all"), ...requests }, rules };
}
