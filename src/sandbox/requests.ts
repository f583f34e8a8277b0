/**
 * HTTP on the connections of a sandbox: each request decided, and recorded.
 *
 * @module
 */
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { type CredentialStore, SealedUpstream } from "../credentials/mod.ts";
import { HttpEngine } from "../egress/engine.ts";
import type {
  AnswerWatch,
  HttpConnection,
  HttpDecision,
  HttpQuestion,
  LocalApp,
  MessageJudge,
} from "../egress/http/connection.ts";
import { holdRequest } from "../egress/http/content.ts";
import { factsOf, urlOf } from "../egress/http/fetch-request.ts";
import type { LinkFlow } from "../egress/mod.ts";
import { upstreamTrust } from "../egress/tls/upstream-tls.ts";
import {
  type Decided,
  HookedRequest,
  type NetworkConnect,
  type NetworkRequest,
  type PluginRegistry,
  type TrafficHooks,
} from "../hooks/mod.ts";
import type { ConnectionRuling, HttpFacts, HttpRuling, RequestNeeds } from "../policy/core.ts";
import { answerWatch } from "./answers.ts";
import type { DecisionRecords } from "./decisions.ts";
import { endpoint } from "./endpoint.ts";
import { messageJudge } from "./messages.ts";
import { OngoingRequests } from "./ongoing-requests.ts";
import { callsOf } from "./request-calls.ts";
import { requestHint } from "./request-hint.ts";
import { byPolicy, deniedReason, stillAllowed } from "./request-rulings.ts";
import type { SandboxTrust } from "./trust.ts";

/** What requests need of their sandbox. */
export interface RequestsSetting {
  readonly registry: PluginRegistry;
  readonly records: DecisionRecords;
  readonly trust: SandboxTrust;
  readonly certificates: readonly string[];
  readonly credentials: CredentialStore;
}

/** A connection that requests come on. */
export interface RequestConnection {
  readonly flow: LinkFlow;
  /** What the policy in force says about a request. */
  judge(facts: HttpFacts): HttpRuling;
  /** What of a request the policy in force looks at. Absent: nothing. */
  needs?(facts: HttpFacts): RequestNeeds;
  /** Whether an MCP tool could be called there. */
  mayCallTool?(facts: HttpFacts, name: string): boolean;
  /** The addresses beside public ones that rules list for it. */
  readonly addresses: readonly string[];
  /** Connects to the host, at an address that was checked. */
  dial(scheme: "http" | "https"): Promise<Duplex>;
}

/** Ports that HTTP is expected on: denied connections are answered in it, and hooks see requests. */
const HTTP_PORTS: ReadonlySet<number> = new Set([80, 443, 8080, 8443]);

/** Serves connections that speak HTTP. */
export class Requests {
  readonly #setting: RequestsSetting;
  readonly #engine: HttpEngine;
  readonly #ongoing = new OngoingRequests();
  /** Of the policy in force. */
  #generation = 0;

  constructor(setting: RequestsSetting) {
    this.#setting = setting;
    this.#engine = new HttpEngine({
      authority: setting.trust.authority,
      trust: upstreamTrust(setting.certificates),
    });
  }

  /** Serves a connection until it ends; every request on it is decided. */
  serve(inside: Duplex, connection: RequestConnection): Promise<void> {
    const closed = new Promise<void>((resolve) => inside.once("close", resolve));
    void this.#engine.serve(inside, this.#toHttp(connection));
    return closed;
  }

  /**
   * Lets the program connect to nobody, to be told why in HTTP.
   *
   * @returns false where the port is not one of HTTP, or the host has no name.
   */
  explain(flow: LinkFlow, ruling: ConnectionRuling, reason: string): boolean {
    if (!HTTP_PORTS.has(flow.port) || isIP(flow.host) !== 0) return false;
    const denial = {
      error: "denied",
      reason,
      ruleId: ruling.ruleId,
      hint: requestHint(flow, ruling, undefined, this.#setting.registry.hasApprover),
      // The connection has been recorded.
      judged: true,
    } as const;
    const nothing: RequestConnection = {
      flow,
      judge: () => ({ verdict: "deny" }),
      addresses: [],
      dial: () => Promise.reject(new Error("a denied connection")),
    };
    void this.#engine.serve(flow.accept(), this.#toHttp(nothing), denial);
    return true;
  }

  /** Lets an app of this process answer. Only a denial of the policy stands against a request; `allowed` says why it passes. */
  answer(flow: LinkFlow, app: LocalApp, allowed: string, judge: RequestConnection["judge"]): Duplex {
    const nothing: RequestConnection = { flow, judge, addresses: [], dial: () => Promise.reject(new Error("no host")) };
    const decide = async ({ origin, facts }: HttpQuestion): Promise<HttpDecision> => {
      const { verdict, ruleId } = judge(facts);
      const object = `${facts.method} ${urlOf(origin, { ...facts.target, query: "" })}`;
      const denied = verdict === "deny" && ruleId !== undefined;
      const reason = denied ? deniedReason(ruleId, facts) : allowed;
      this.#record(flow, object, denied ? ruleId : undefined, byPolicy(denied ? "deny" : "allow", reason));
      return { allowed: !denied, reason, ...(denied ? { ruleId } : {}) };
    };
    const stream = flow.accept();
    void this.#engine.serve(stream, { ...this.#toHttp(nothing), decide, app });
    return stream;
  }

  /** Whether hooks want to see the requests of a connection, if it has any. */
  isWatched(flow: LinkFlow): boolean {
    const { request, response, message } = this.#hooks(flow);
    return [...request, ...response, ...message].some(({ ports }) => ports.length > 0 || HTTP_PORTS.has(flow.port));
  }

  #hooks({ host, port, subject }: LinkFlow): TrafficHooks {
    return this.#setting.registry.trafficHooks({ host, port, ...subject, verdict: "allow" });
  }

  /** Another policy is in force. */
  policyChanged(): void {
    this.#generation++;
    this.#engine.policyChanged();
    this.#ongoing.policyChanged();
  }

  /** The sandbox has ended. */
  close(): void {
    this.#engine.close();
  }

  #toHttp(connection: RequestConnection): HttpConnection {
    const { flow } = connection;
    return {
      host: flow.host,
      port: flow.port,
      subject: flow.subject,
      decide: (question) => this.#decide(connection, question),
      refused: ({ object, reason }) => {
        this.#record(flow, `${object} (${endpoint(flow.host, flow.port)})`, undefined, {
          verdict: "deny",
          reason,
          decidedBy: { kind: "policy" },
        });
      },
      needs: (facts) => connection.needs?.(facts).content,
      messages: (question) => this.#messages(connection, question),
      answers: (question) => this.#answers(connection, question),
      unjudged: ({ facts }, cut) => this.#ongoing.unjudged(connection, facts, cut),
      // What it says would be kept past the bounds of what is held.
      forwarded: ({ origin, facts: { content: _, ...facts } }, cut) => {
        return this.#ongoing.allowed(connection, facts, (now) => {
          const reason = `it was cut off by a change of the policy: ${deniedReason(now.ruleId, facts)}`;
          const url = urlOf(origin, { ...facts.target, query: "" });
          this.#record(flow, `${facts.method} ${url}`, now.ruleId, byPolicy("deny", reason));
          cut();
        });
      },
      // What a denial has for one program another's kept connection may not get around.
      route: JSON.stringify([flow.subject.binary, ...connection.addresses]),
      dial: (scheme) => connection.dial(scheme),
      through: (upstream, origin) => {
        return new SealedUpstream(upstream, origin, {
          store: this.#setting.credentials,
          record: ({ object, verdict, ruleId, reason }) =>
            this.#record(flow, object, ruleId, byPolicy(verdict, reason), "credential"),
          problem: (error) => this.#setting.records.problem(error),
        });
      },
    };
  }

  async #decide(connection: RequestConnection, question: HttpQuestion): Promise<HttpDecision> {
    const { flow } = connection;
    const { registry } = this.#setting;
    const generation = this.#generation;
    const ruling = connection.judge(question.facts);
    const hooked = toHooked(flow, question, ruling);
    const asked = await this.#ask(hooked, ruling, question);
    // The policy may have changed while somebody thought.
    const decided =
      generation === this.#generation
        ? asked
        : stillAllowed(asked, ruling, connection.judge(question.facts), question.facts);
    const sent = decided.verdict === "allow" ? await this.#changed(connection, hooked, question, ruling) : undefined;
    const final = sent !== undefined && "verdict" in sent ? sent : decided;
    const ruleId = ruling.ruleId === undefined ? {} : { ruleId: ruling.ruleId };
    const { method, url, calls } = hooked.about;
    const said = calls === undefined ? "" : ` (${calls.join(", ")})`;
    this.#record(flow, `${method} ${url}${said}`, ruling.ruleId, final);
    if (final.verdict === "deny") {
      return {
        allowed: false,
        reason: final.reason,
        ...ruleId,
        hint: requestHint(flow, ruling, question, registry.hasApprover),
      };
    }
    const request = sent !== undefined && "facts" in sent ? { request: sent } : {};
    const response = hooked.response === undefined ? {} : { response: hooked.response };
    return { allowed: true, reason: final.reason, ...ruleId, ...request, ...response };
  }

  #messages(connection: RequestConnection, question: HttpQuestion): MessageJudge | undefined {
    const { flow } = connection;
    const { facts, signal } = question;
    const isMeant = () => connection.needs?.(facts).messages === true;
    const atFirst = isMeant();
    if (!atFirst && this.#hooks(flow).message.length === 0) return undefined;
    // A policy that has no rule on messages any more does not let through what the one before denied.
    const byRules = () => atFirst || isMeant();
    const { connect, about } = toHooked(flow, question, connection.judge(facts));
    return messageJudge({
      registry: this.#setting.registry,
      connect,
      about,
      signal,
      speaksRpc: () => byRules() && !facts.websocket,
      rule: (message) => (byRules() ? connection.judge({ ...facts, message }) : undefined),
      knowsTool: (name) => connection.mayCallTool?.(facts, name) ?? true,
      record: (object, ruleId, decided) => this.#record(flow, object, ruleId, decided, "message"),
    });
  }

  #answers(connection: RequestConnection, question: HttpQuestion): AnswerWatch | undefined {
    const { flow } = connection;
    const { registry } = this.#setting;
    if (this.#hooks(flow).response.length === 0) return undefined;
    const { connect, about } = toHooked(flow, question, connection.judge(question.facts));
    const record = (decided: Decided) => {
      this.#record(flow, `${about.method} ${about.url}`, about.ruleId, decided, "response");
    };
    return answerWatch({ registry, connect, about, question, record });
  }

  #ask(hooked: HookedRequest, ruling: HttpRuling, { facts, signal }: HttpQuestion): Decided | Promise<Decided> {
    const { verdict, ruleId, defer, audited } = ruling;
    if (verdict === "deny") return byPolicy("deny", deniedReason(ruleId, facts));
    const decided = this.#setting.registry.decideRequest(hooked, { verdict, ruleId, defer }, { signal });
    if (!audited) return decided;
    const reason = `rule ${ruleId} only audits: enforced, it would be denied`;
    const passed = (it: Decided): Decided => (it.verdict === "allow" ? { ...it, reason } : it);
    return decided instanceof Promise ? decided.then(passed) : passed(decided);
  }

  /** What hooks made of a request, if the policy says to it what it said to the request that it was. */
  async #changed(
    connection: RequestConnection,
    { request, changedBy }: HookedRequest,
    { facts, origin }: HttpQuestion,
    { verdict, ruleId }: HttpRuling,
  ): Promise<{ readonly request: Request; readonly facts: HttpFacts } | Decided | undefined> {
    if (request === undefined) return undefined;
    if (changedBy === undefined) return { request, facts };
    const changed = factsOf(request, origin);
    const decidedBy = { kind: "plugin", name: changedBy, hook: "network.request" } as const;
    const deny = (why: string): Decided => {
      const reason = `plugin "${changedBy}" made another request of it: ${why}`;
      return { verdict: "deny", decidedBy, reason, latencyMs: 0 };
    };
    if (typeof changed === "string") return deny(changed);
    const needs = connection.needs?.(changed).content;
    const read = needs === undefined ? { request, facts: changed } : await holdRequest(request, changed, needs);
    const now = connection.judge(read.facts);
    const isSame = now.verdict === verdict && now.ruleId === ruleId;
    if (now.verdict !== "allow" && !isSame) return deny(deniedReason(now.ruleId, read.facts));
    return read;
  }

  #record(
    { subject }: LinkFlow,
    object: string,
    ruleId: string | undefined,
    decided: Pick<Decided, "verdict" | "reason" | "decidedBy"> & Partial<Decided>,
    operation = "request",
  ): void {
    const { pid, binary, sha256, ancestors } = subject;
    this.#setting.records.decision({
      domain: "network",
      operation,
      subject: {
        pid,
        binary,
        ...(sha256 === undefined ? {} : { sha256 }),
        ...(ancestors.length > 0 ? { ancestors } : {}),
      },
      object,
      verdict: decided.verdict,
      ...(ruleId === undefined ? {} : { ruleId }),
      decidedBy: decided.decidedBy,
      ...(decided.latencyMs === undefined ? {} : { latencyMs: decided.latencyMs }),
      reason: decided.reason,
    });
  }
}

/** Queries, headers and bodies stay out of what is recorded. */
function toHooked(flow: LinkFlow, { origin, facts, make }: HttpQuestion, ruling: HttpRuling): HookedRequest {
  const { host, port, subject } = flow;
  const verdict = ruling.verdict === "ask" ? "ask" : "allow";
  const ruleId = ruling.ruleId === undefined ? {} : { ruleId: ruling.ruleId };
  const calls = callsOf(facts.content);
  const about: NetworkRequest = Object.freeze({
    method: facts.method,
    url: urlOf(origin, { ...facts.target, query: "" }),
    path: facts.target.readings[0] ?? "",
    websocket: facts.websocket,
    ...(calls.length > 0 ? { calls: Object.freeze(calls) } : {}),
    verdict,
    ...ruleId,
  });
  const connect: NetworkConnect = Object.freeze({ host, port, ...subject, verdict, ...ruleId });
  return new HookedRequest({ connect, about, make: make ?? (() => new Request(about.url)) });
}
