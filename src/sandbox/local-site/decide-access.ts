/**
 * Whether a program gets what it asks for: what the policy leaves undecided becomes a question to the approver, and what
 * the approver allows a rule of this sandbox.
 *
 * @module
 */
import type { Decision } from "../../audit/mod.ts";
import type { FlowSubject } from "../../egress/mod.ts";
import type { Decided, NetworkConnect, NetworkRequest, PluginRegistry } from "../../hooks/mod.ts";
import {
  addressKind,
  type ConnectionRuling,
  escapeGlob,
  type HttpFacts,
  type HttpRuling,
  isAddress,
  LOCAL_HOST,
  type NetworkRule,
} from "../../policy/core.ts";
import { readTarget } from "../../policy/http/mod.ts";
import { endpoint } from "../endpoint.ts";
import type { AccessAsk, NetworkAsk } from "./read-access.ts";

/** What is answered. `asks`: there is nothing to grant, for somebody is asked at each use. */
export interface AccessAnswer {
  readonly status: "allowed" | "asks" | "denied";
  readonly reason: string;
  readonly rule?: string;
}

/** A grant that is made live. */
export type AccessGrant = Pick<NetworkRule, "host" | "ports" | "http">;

/** What deciding takes. */
export interface AccessDesk {
  readonly registry: PluginRegistry;
  judgeConnection(ask: NetworkAsk, subject: FlowSubject): ConnectionRuling;
  judgeRequest(ask: NetworkAsk, subject: FlowSubject, facts: HttpFacts): HttpRuling;
  /**
   * Makes it a rule.
   *
   * @returns The rule's id; undefined where there are too many.
   */
  grant(grant: AccessGrant): string | undefined;
  /** Changes with the policy. */
  generation(): number;
  record(decision: Omit<Decision, "kind">): void;
  /** Aborted when the sandbox ends. */
  readonly signal: AbortSignal;
}

/** Decides, and records. It never rejects. */
export async function decideAccess(desk: AccessDesk, ask: AccessAsk, subject: FlowSubject): Promise<AccessAnswer> {
  const facts = ask.kind === "network" && ask.request !== undefined ? factsOf(ask.request) : undefined;
  if (typeof facts === "string") return { status: "denied", reason: facts };
  const object = ask.kind === "network" ? objectOf(ask, facts) : ask.object;
  const settle = (decided: Omit<Decided, "latencyMs">, status: AccessAnswer["status"], rule?: string): AccessAnswer => {
    const { pid, binary, ancestors } = subject;
    desk.record({
      domain: ask.kind,
      operation: "access",
      subject: { pid, binary, ...(ancestors.length > 0 ? { ancestors } : {}) },
      object,
      verdict: decided.verdict,
      ...(rule === undefined ? {} : { ruleId: rule }),
      decidedBy: decided.decidedBy,
      reason: `${decided.reason}; the program says: ${JSON.stringify(ask.reason)}`,
    });
    return { status, reason: decided.reason, ...(rule === undefined ? {} : { rule }) };
  };
  const byPolicy = (status: AccessAnswer["status"], reason: string, rule?: string): AccessAnswer => {
    const verdict = status === "denied" ? "deny" : "allow";
    return settle({ verdict, decidedBy: { kind: "policy" }, reason }, status, rule);
  };
  if (ask.kind !== "network") return byPolicy("denied", FIXED);
  const standing = standingOf(desk, ask, subject, facts);
  if (standing !== undefined) return byPolicy(standing.status, standing.reason, standing.rule);
  const before = desk.generation();
  const decided = await desk.registry.decideRequested(questionOf(ask, subject, facts), { signal: desk.signal });
  if (decided.verdict === "deny") return settle(decided, "denied");
  if (desk.generation() !== before) return byPolicy("denied", "the policy was changed meanwhile: ask again");
  const rule = desk.grant(grantOf(ask, facts));
  if (rule === undefined) return byPolicy("denied", "too many requests were granted already");
  return settle(decided, "allowed", rule);
}

const FIXED =
  "what a sandbox may do with files and programs cannot be widened while it runs; the request is recorded for its owner";

/** What the policy says by itself. Undefined: it is open. */
function standingOf(
  desk: AccessDesk,
  ask: NetworkAsk,
  subject: FlowSubject,
  facts: HttpFacts | undefined,
): AccessAnswer | undefined {
  if (ask.host === LOCAL_HOST) return { status: "denied", reason: "it is the sandbox's own page, on port 80" };
  const whole = desk.judgeConnection(ask, subject);
  const part = facts === undefined ? undefined : desk.judgeRequest(ask, subject, facts);
  const denying = [whole, part].find((ruling) => ruling?.verdict === "deny" && ruling.ruleId !== undefined);
  const rule = denying?.ruleId;
  if (rule !== undefined) return { status: "denied", reason: `rule ${rule} denies it`, rule };
  const { verdict, ruleId } = part ?? whole;
  const named = ruleId === undefined ? {} : { rule: ruleId };
  if (verdict === "ask") return { status: "asks", reason: "it is asked about whenever it is used: go on", ...named };
  // Of a host whose requests are judged, all of them are more than what is allowed.
  const isAllowed = verdict === "allow" && (part !== undefined || !whole.inspects);
  if (isAllowed) return { status: "allowed", reason: "the policy allows it already", ...named };
  if (isAddress(ask.host) && addressKind(ask.host) !== "public") {
    return { status: "denied", reason: "an address that is not public has to be listed in the policy" };
  }
  return undefined;
}

function factsOf({ method, path }: { readonly method: string; readonly path: string }): HttpFacts | string {
  const target = readTarget(path);
  if ("problem" in target) return target.problem;
  return { method, target: { ...target, query: "" }, websocket: false };
}

function objectOf({ host, port }: NetworkAsk, facts: HttpFacts | undefined): string {
  const where = endpoint(host, port);
  return facts === undefined ? where : `${facts.method} ${where}${facts.target.path}`;
}

function questionOf(ask: NetworkAsk, { pid, binary, ancestors }: FlowSubject, facts: HttpFacts | undefined) {
  const { host, port, reason } = ask;
  const connect: NetworkConnect = { host, port, pid, binary, ancestors, verdict: "ask" };
  if (facts === undefined) return { connect, requested: reason };
  const scheme = port === 443 || port === 8443 ? "https" : "http";
  const request: NetworkRequest = {
    method: facts.method,
    url: `${scheme}://${endpoint(host, port)}${facts.target.path}`,
    path: facts.target.readings[0] ?? "",
    websocket: false,
    verdict: "ask",
  };
  return { connect, request, requested: reason };
}

/** Exactly what was asked for: one host, one port, and of requests one method and one path. */
function grantOf({ host, port }: NetworkAsk, facts: HttpFacts | undefined): AccessGrant {
  const where = { host: host.includes(":") ? `[${host}]` : host, ports: [port] };
  if (facts === undefined) return where;
  return { ...where, http: { rules: [{ methods: [facts.method], paths: facts.target.readings.map(escapeGlob) }] } };
}
