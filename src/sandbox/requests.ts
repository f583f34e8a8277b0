/**
 * HTTP on the connections of a sandbox: each request decided, and recorded.
 *
 * @module
 */
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { HttpEngine } from "../egress/engine.ts";
import type { HttpConnection, HttpDecision, HttpQuestion } from "../egress/http/connection.ts";
import { authorityOf } from "../egress/http/host.ts";
import type { LinkFlow } from "../egress/mod.ts";
import { upstreamTrust } from "../egress/tls/upstream-tls.ts";
import type { Decided, NetworkConnect, NetworkRequest, PluginRegistry } from "../hooks/mod.ts";
import type { ConnectionRuling, HttpRuling } from "../policy/mod.ts";
import type { DecisionRecords } from "./decisions.ts";
import { requestHint } from "./request-hint.ts";
import type { SandboxTrust } from "./trust.ts";

/** What requests need of their sandbox. */
export interface RequestsSetting {
  readonly registry: PluginRegistry;
  readonly records: DecisionRecords;
  readonly trust: SandboxTrust;
  readonly certificates: readonly string[];
}

/** A connection that requests come on. */
export interface RequestConnection {
  readonly flow: LinkFlow;
  /** What the policy in force says about a request. */
  judge(question: HttpQuestion): HttpRuling;
  /** The addresses beside public ones that rules list for it. */
  readonly addresses: readonly string[];
  /** Connects to the host, at an address that was checked. */
  dial(): Promise<Duplex>;
}

/** Ports that a denied connection is answered on in HTTP, so that the program can read why. */
const HTTP_PORTS: ReadonlySet<number> = new Set([80, 443, 8080, 8443]);

/** Serves connections that speak HTTP. */
export class Requests {
  readonly #setting: RequestsSetting;
  readonly #engine: HttpEngine;

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
      hint: requestHint(flow, ruling, undefined),
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

  /** Another policy is in force. */
  policyChanged(): void {
    this.#engine.policyChanged();
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
        this.#record(flow, `${object} (${flow.host}:${flow.port})`, undefined, {
          verdict: "deny",
          reason,
          decidedBy: { kind: "policy" },
        });
      },
      route: connection.addresses.join(" "),
      dial: () => connection.dial(),
    };
  }

  async #decide(connection: RequestConnection, question: HttpQuestion): Promise<HttpDecision> {
    const { flow } = connection;
    const ruling = connection.judge(question);
    const request = toSubject(flow, question, ruling);
    const decided = await this.#ask(flow, request, ruling, question.signal);
    this.#record(flow, `${request.method} ${request.url}`, ruling.ruleId, decided);
    const allowed = decided.verdict === "allow";
    return {
      allowed,
      reason: decided.reason,
      ...(ruling.ruleId === undefined ? {} : { ruleId: ruling.ruleId }),
      ...(allowed ? {} : { hint: requestHint(flow, ruling, question) }),
    };
  }

  #ask(
    flow: LinkFlow,
    request: NetworkRequest,
    { verdict, ruleId, defer, audited }: HttpRuling,
    signal: AbortSignal,
  ): Decided | Promise<Decided> {
    if (verdict === "deny") return byPolicy("deny", deniedReason(ruleId));
    if (audited) return byPolicy("allow", `rule ${ruleId} only audits: enforced, it would be denied`);
    const connect: NetworkConnect = {
      host: flow.host,
      port: flow.port,
      ...flow.subject,
      verdict,
      ...(ruleId === undefined ? {} : { ruleId }),
    };
    return this.#setting.registry.decideRequest(request, connect, { verdict, ruleId, defer }, { signal });
  }

  #record(
    { subject }: LinkFlow,
    object: string,
    ruleId: string | undefined,
    decided: Pick<Decided, "verdict" | "reason" | "decidedBy"> & Partial<Decided>,
  ): void {
    const { pid, binary, sha256, ancestors } = subject;
    this.#setting.records.decision({
      domain: "network",
      operation: "request",
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

/** Queries, headers and bodies stay out. */
function toSubject(flow: LinkFlow, { scheme, facts }: HttpQuestion, ruling: HttpRuling): NetworkRequest {
  const { host, port } = flow;
  const { verdict, ruleId } = ruling;
  return Object.freeze({
    method: facts.method,
    url: `${scheme}://${authorityOf({ scheme, host, port })}${facts.target.path}`,
    path: facts.target.readings[0] ?? "",
    websocket: facts.websocket,
    verdict: verdict === "ask" ? "ask" : "allow",
    ...(ruleId === undefined ? {} : { ruleId }),
  });
}

function deniedReason(ruleId: string | undefined): string {
  return ruleId === undefined ? "no rule of the policy allows the request" : `rule ${ruleId} denies the request`;
}

function byPolicy(verdict: "allow" | "deny", reason: string): Decided {
  return { verdict, decidedBy: { kind: "policy" }, reason, latencyMs: 0 };
}
