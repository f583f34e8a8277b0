/**
 * The network rules of a policy as what decides about connections, and the decision. Pure.
 *
 * @module
 */
import { hostRange, isAddress, meansPrivate, rangeMatcher } from "./addresses.ts";
import { compileGlob, type GlobMatcher } from "./glob.ts";
import {
  type ContentNeeds,
  contentNeeds,
  evaluateHttp,
  type HttpFacts,
  type HttpRuling,
  judgesMessages,
  knowsTool,
  type RequestRule,
} from "./http/mod.ts";
import type {
  NormalizedNetworkDenial,
  NormalizedNetworkRule,
  NormalizedPolicy,
  SealedCredential,
} from "./normalized.ts";
import { absolutePattern, type Places } from "./paths.ts";
import type { Unmatched, Verdict } from "./types.ts";

/** The name under which a sandbox reaches what explains it. It is no host, and no rule can make it one. */
export const LOCAL_HOST = "cofferdam.local";

/** The name under which a sandbox reaches models. It is no host either. */
export const INFERENCE_HOST = "inference.local";

/** A connection that is asked for. */
export interface ConnectionAttempt {
  /** A name in lower case without a final dot, or an address without brackets. */
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
  /** Whether the host's TLS is opened, and every request judged by {@link evaluateRequest}: nothing but HTTP may pass. */
  readonly inspects: boolean;
}

/** A rule on connections. */
export interface ConnectionRule extends RequestRule {
  /** Whether TLS is opened though no rule is about requests. */
  readonly terminates: boolean;
  readonly addresses: readonly string[];
  readonly matches: (attempt: ConnectionAttempt) => boolean;
}

/** What decides about connections. */
export interface ConnectionTable {
  readonly rules: readonly ConnectionRule[];
  /** Whether a secret is put into what is sent there, which takes looking into it. */
  readonly sealed: readonly ((attempt: ConnectionAttempt) => boolean)[];
  readonly unmatched: Unmatched;
  readonly privateRanges: readonly string[];
}

/** The rules of the network section in the order of the policy: allow, deny, ask. */
export function connectionTable({ network, credentials }: NormalizedPolicy, places: Places): ConnectionTable {
  const rule = (verdict: Verdict, { id, defer, addresses, ...rest }: NormalizedNetworkRule): ConnectionRule => ({
    ...(defer === undefined ? { verdict } : { verdict: "ask", defer }),
    ruleId: id,
    ...(rest.http === undefined ? {} : { http: rest.http }),
    enforcement: rest.enforcement,
    terminates: rest.tls === "terminate",
    addresses: [...addresses, ...impliedAddresses(rest.host)],
    matches: matcher(rest, places),
  });
  return {
    rules: [
      ...network.allow.map((each) => rule("allow", each)),
      ...network.deny.map((each) => {
        const http = each.http === undefined ? {} : { http: each.http };
        const rest = { terminates: false, addresses: [], matches: matcher(each, places) };
        return { verdict: "deny", ruleId: each.id, ...http, ...rest } as const;
      }),
      ...network.ask.map((each) => rule("ask", each)),
    ],
    sealed: credentials.flatMap((each) => (each.expose === "sealed" ? [credentialMatcher(each)] : [])),
    unmatched: network.unmatched,
    privateRanges: network.privateRanges,
  };
}

/**
 * Decides about a connection: deny before ask before allow, and the first rule that says so is named. A rule about requests
 * opens the connection for them, where no rule is about the whole of it.
 */
export function evaluateConnection(table: ConnectionTable, attempt: ConnectionAttempt): ConnectionRuling {
  const matching = table.rules.filter((rule) => rule.matches(attempt));
  const decides = (["deny", "ask", "allow"] as const)
    .map((verdict) => matching.find((rule) => rule.verdict === verdict && rule.http === undefined))
    .find((rule) => rule !== undefined);
  const addresses = [...table.privateRanges, ...matching.flatMap((rule) => rule.addresses)];
  const inspects =
    matching.some(({ http, terminates }) => http !== undefined || terminates) ||
    table.sealed.some((isBound) => isBound(attempt));
  if (decides !== undefined) {
    const { verdict, ruleId, defer } = decides;
    return { verdict, ruleId, ...(defer === undefined ? {} : { defer }), addresses, inspects };
  }
  const opening = matching.find(({ verdict }) => verdict !== "deny");
  if (opening !== undefined) return { verdict: "allow", ruleId: opening.ruleId, addresses, inspects };
  return { verdict: table.unmatched, addresses, inspects };
}

/** Decides about a request on a connection that was let through. Whoever was asked about the connection has answered. */
export function evaluateRequest(table: ConnectionTable, attempt: ConnectionAttempt, facts: HttpFacts): HttpRuling {
  return evaluateHttp(requestRules(table, attempt), table.unmatched, facts);
}

/** What of a request has to be looked at, so that it can be judged. */
export interface RequestNeeds {
  /** The languages that its content is read in first. Absent: none. */
  readonly content?: ContentNeeds;
  /** Whether messages that follow it are judged as well. */
  readonly messages: boolean;
}

/** Says which. */
export function requestNeeds(table: ConnectionTable, attempt: ConnectionAttempt, facts: HttpFacts): RequestNeeds {
  const rules = requestRules(table, attempt);
  const content = contentNeeds(rules, facts);
  return { ...(content === undefined ? {} : { content }), messages: judgesMessages(rules, facts) };
}

/** Whether an MCP tool could be called where a request was allowed. */
export function mayCallTool(
  table: ConnectionTable,
  attempt: ConnectionAttempt,
  facts: HttpFacts,
  name: string,
): boolean {
  return knowsTool(requestRules(table, attempt), facts, name);
}

/** A connection asks again with each of its requests, and its rules change only with the policy. */
const known = new WeakMap<
  ConnectionAttempt,
  { readonly of: readonly ConnectionRule[]; readonly rules: RequestRule[] }
>();

function requestRules({ rules: of }: ConnectionTable, attempt: ConnectionAttempt): readonly RequestRule[] {
  const found = known.get(attempt);
  if (found?.of === of) return found.rules;
  const rules = rulesFor(of, attempt);
  known.set(attempt, { of, rules });
  return rules;
}

function rulesFor(table: readonly ConnectionRule[], attempt: ConnectionAttempt): RequestRule[] {
  return table
    .filter((rule) => rule.matches(attempt))
    .map((rule): RequestRule => {
      if (rule.http !== undefined || rule.verdict !== "ask") return rule;
      return { verdict: "allow", ruleId: rule.ruleId };
    });
}

/** Whether a connection is to a host that a sealed credential is bound to. */
export function credentialMatcher({
  hosts,
  ports,
}: Pick<SealedCredential, "hosts" | "ports">): (attempt: Pick<ConnectionAttempt, "host" | "port">) => boolean {
  const matchers = hosts.map(hostMatcher);
  return ({ host, port }) => ports.includes(port) && matchers.some((matches) => matches(host));
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

/** A pattern of names never means an address, or `**` in a rule would reach what has no name; addresses mean no name. */
function hostMatcher(host: string): GlobMatcher {
  const range = hostRange(host);
  if (range !== undefined) return rangeMatcher(range);
  const matches = compileGlob(host, ".");
  return (text) => !isAddress(text) && matches(text);
}

/** An address that is written down is one that is meant, whatever its kind. */
export function impliedAddresses(host: string): readonly string[] {
  const range = hostRange(host);
  return range !== undefined && meansPrivate(range) ? [range] : [];
}

/** A name matches in every directory. */
function binaryMatcher(binary: string, places: Places): GlobMatcher {
  const isName = !binary.includes("/") && binary !== "~";
  return compileGlob(isName ? `/**/${binary}` : absolutePattern(binary, places));
}
