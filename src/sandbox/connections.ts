/**
 * The connections of a sandbox: decided, made by the host, relayed, and closed when the policy no longer allows them.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import type { Decision, DecisionRecord } from "../audit/mod.ts";
import type { CredentialStore } from "../credentials/mod.ts";
import type { InferencePlan } from "../domains/inference/mod.ts";
import type { NetworkPlan } from "../domains/network/mod.ts";
import { join, LinkFlow, type ProxySettings, type ReachTarget, readProxySettings } from "../egress/mod.ts";
import type { Decided, NetworkConnect, PluginRegistry } from "../hooks/mod.ts";
import { violation } from "../link/codec.ts";
import type { FlowHandler, StreamHandler } from "../link/handlers.ts";
import type { Link } from "../link/link.ts";
import type { MessageValues } from "../link/protocol.ts";
import {
  type ConnectionRule,
  type ConnectionRuling,
  evaluateConnection,
  evaluateRequest,
  mayCallTool,
  type NormalizedPolicy,
  requestNeeds,
} from "../policy/core.ts";
import { errnoOf, failure, noAuthority } from "./connection-failures.ts";
import { deniedByPolicy, isKept } from "./connection-rulings.ts";
import { CountedAllows } from "./counted-allows.ts";
import type { DecisionRecords } from "./decisions.ts";
import { endpoint } from "./endpoint.ts";
import { DIAL_MS, HostDials } from "./host-dials.ts";
import { type BudgetRecords, InferenceHost } from "./inference/inference-host.ts";
import type { SensitiveFiles } from "./inference/sensitive-files.ts";
import { LocalHost } from "./local-site/local-host.ts";
import type { SandboxOptions } from "./options.ts";
import { type OwnAnswer, ownAnswer } from "./own-hosts.ts";
import type { RequestConnection, Requests } from "./requests.ts";
import type { SandboxTrust } from "./trust.ts";

/** What connections need of their sandbox. */
export interface ConnectionsSetting {
  readonly registry: PluginRegistry;
  readonly records: DecisionRecords & BudgetRecords;
  /** Absent: no connection is looked into. */
  readonly trust: SandboxTrust | undefined;
  readonly credentials: CredentialStore;
  /** What rules of privacy know again in calls to models. */
  readonly sensitive: SensitiveFiles;
  readonly options: Pick<SandboxOptions, "resolver" | "certificates" | "proxy" | "inference">;
  /** What looks into connections, loaded where there is trust: most sandboxes need none of it. */
  readonly engine: { readonly Requests: typeof Requests } | undefined;
  /** The decisions that were recorded so far. */
  readonly history: () => readonly DecisionRecord[];
}

/** What a policy is to connections. */
export interface ConnectionsPolicy {
  readonly plan: NetworkPlan;
  readonly inference: InferencePlan;
  readonly policy: NormalizedPolicy;
}

/** A connection that was allowed. */
interface Allowed {
  readonly flow: LinkFlow;
  readonly ruling: ConnectionRuling;
  readonly controller: AbortController;
}

/** The warden's patience goes on a little longer than a dial. */
const SLACK_MS = 1000;

/** Decides about connections, and makes them. */
export class Connections implements FlowHandler {
  /** Set before the first frame can come. */
  link: Link | undefined;
  readonly #setting: ConnectionsSetting;
  readonly #open = new Set<Allowed>();
  readonly #requests: Requests | undefined;
  readonly #records: CountedAllows;
  readonly #local: LocalHost;
  readonly #inference: InferenceHost;
  readonly #dials: HostDials;
  /** Connections that this process answers. */
  readonly #own = new Map<LinkFlow, Duplex>();
  #plan: NetworkPlan;
  /** What the approver has allowed since the policy is in force. */
  #grants: readonly ConnectionRule[] = [];
  #proxies: ProxySettings | undefined;

  /** @throws {SandboxError} ARGUMENT_INVALID If a proxy cannot be used. */
  constructor(setting: ConnectionsSetting, { plan, inference, policy }: ConnectionsPolicy) {
    const { registry, trust, engine, options, history, credentials } = setting;
    const certificates = options.certificates ?? [];
    const records = new CountedAllows(setting.records);
    this.#setting = setting;
    this.#plan = plan;
    this.#records = records;
    this.#requests =
      trust === undefined || engine === undefined
        ? undefined
        : new engine.Requests({ registry, records, trust, certificates, credentials });
    this.#local = new LocalHost(
      {
        registry,
        history,
        record: (decision) => records.decision(decision),
        judgeConnection: ({ host, port }, { binary }) => evaluateConnection(this.#table, { host, port, binary }),
        judgeRequest: ({ host, port }, { binary }, facts) =>
          evaluateRequest(this.#table, { host, port, binary }, facts),
        onGranted: (rules) => {
          this.#grants = rules;
        },
      },
      policy,
    );
    this.#inference = new InferenceHost(setting, inference);
    this.#dials = new HostDials({
      options,
      proxies: () => this.#proxies,
      judge: (attempt) => evaluateConnection(this.#table, attempt),
      denied: (flow, ruling, reason) => this.#record(flow, ruling, { verdict: "deny", reason }),
    });
    this.check({ plan, inference });
  }

  get #table(): NetworkPlan {
    return this.#grants.length === 0 ? this.#plan : { ...this.#plan, rules: [...this.#plan.rules, ...this.#grants] };
  }

  onFlow(stream: number, values: MessageValues<"flow">): StreamHandler {
    if (this.link === undefined) throw violation("a connection came before its link");
    const flow = new LinkFlow(this.link, stream, values);
    void this.#handle(flow);
    return flow;
  }

  /**
   * Whether connections could be made by another plan.
   *
   * @throws {SandboxError} POLICY_UNSUPPORTED If requests had to be looked at, and programs trust no certificate of ours.
   * @throws {SandboxError} ARGUMENT_INVALID If a proxy cannot be used.
   */
  check({ plan, inference }: Omit<ConnectionsPolicy, "policy">): void {
    if (plan.kind === "none") return;
    const { trust, registry, options } = this.#setting;
    const { rules, sealed } = plan;
    const looksInside =
      [inference.kind !== "none", registry.seesRequests, sealed.length > 0].includes(true) ||
      rules.some(({ http, terminates }) => http !== undefined || terminates);
    if (trust === undefined && looksInside) throw noAuthority();
    this.#proxies = readProxySettings(options.proxy, process.env);
  }

  /** Another policy is in force: what it does not allow any more is closed, and everything else goes on. */
  setPolicy({ plan, inference, policy }: ConnectionsPolicy): void {
    this.#records.flush();
    this.#plan = plan;
    this.#grants = [];
    this.#local.setPolicy(policy);
    void this.#inference.setPlan(inference);
    for (const [flow, stream] of this.#own) {
      if (ownAnswer(flow, this.#local, this.#inference, this.#setting.credentials) === undefined) stream.destroy();
    }
    this.#requests?.policyChanged();
    this.#dials.policyChanged();
    for (const allowed of this.#open) {
      const { flow, ruling, controller } = allowed;
      const now = this.#judge(flow);
      if (isKept(ruling, now)) continue;
      const reason = now.ruleId === undefined ? "no rule of the new policy allows it" : `rule ${now.ruleId} of it`;
      this.#record(flow, now, { verdict: "deny", reason: `it was closed by a change of the policy: ${reason}` });
      controller.abort(new Error("the policy does not allow it any more"));
    }
  }

  /** The sandbox has ended. */
  close(): void {
    for (const { controller } of this.#open) controller.abort(new Error("the sandbox has ended"));
    this.#local.close();
    this.#inference.close();
    this.#requests?.close();
    this.#records.flush();
  }

  async #handle(flow: LinkFlow): Promise<void> {
    try {
      const own = ownAnswer(flow, this.#local, this.#inference, this.#setting.credentials);
      if (own !== undefined) return await this.#serveOwn(flow, own);
      const ruling = this.#judge(flow);
      const decided = await this.#decide(flow, ruling);
      this.#record(flow, ruling, decided);
      if (decided.verdict === "deny") this.#deny(flow, ruling, decided.reason);
      else await this.#connect(flow, ruling);
    } catch (error) {
      flow.refuse("ECONNREFUSED");
      this.#setting.records.problem(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #deny(flow: LinkFlow, ruling: ConnectionRuling, reason: string): void {
    if (this.#requests?.explain(flow, ruling, reason) === true) return;
    // Where there is no IPv6 programs go on with IPv4.
    flow.refuse(flow.host.includes(":") ? "ENETUNREACH" : "ECONNREFUSED");
  }

  /** No rule leads there; but what is denied stays denied. */
  async #serveOwn(flow: LinkFlow, own: OwnAnswer): Promise<void> {
    const { verdict, ruleId } = this.#judge(flow);
    const denied = verdict === "deny" && ruleId !== undefined;
    if (denied || "refused" in own || this.#requests === undefined) {
      const reason = denied ? `rule ${ruleId} denies it` : own.reason;
      this.#record(flow, denied ? { ruleId } : {}, { verdict: "deny", reason });
      return flow.refuse("ECONNREFUSED");
    }
    this.#record(flow, {}, { verdict: "allow", reason: own.reason });
    const { host, port, subject } = flow;
    const attempt = { host, port, binary: subject.binary };
    const app = await own.for();
    const stream = this.#requests.answer(flow, app, own.reason, (facts) => evaluateRequest(this.#plan, attempt, facts));
    this.#own.set(flow, stream);
    stream.once("close", () => this.#own.delete(flow));
  }

  #judge({ host, port, subject }: LinkFlow): ConnectionRuling {
    return evaluateConnection(this.#table, { host, port, binary: subject.binary });
  }

  #decide(flow: LinkFlow, { verdict, ruleId, defer }: ConnectionRuling): Decided | Promise<Decided> {
    if (verdict === "deny") return deniedByPolicy(ruleId);
    const connect: NetworkConnect = {
      host: flow.host,
      port: flow.port,
      ...flow.subject,
      verdict,
      ...(ruleId === undefined ? {} : { ruleId }),
    };
    const onHold = (timeoutMs: number) => flow.wait(timeoutMs + SLACK_MS);
    return this.#setting.registry.decideConnect(connect, { verdict, ruleId, defer }, { signal: flow.signal, onHold });
  }

  async #connect(flow: LinkFlow, ruling: ConnectionRuling): Promise<void> {
    const allowed: Allowed = { flow, ruling, controller: new AbortController() };
    const signal = AbortSignal.any([flow.signal, allowed.controller.signal]);
    this.#open.add(allowed);
    try {
      // The policy may have changed while somebody thought.
      if (!isKept(ruling, this.#judge(flow))) throw failure("ECONNREFUSED");
      const closing = (end: Duplex): Duplex => {
        allowed.controller.signal.addEventListener("abort", () => end.destroy(), { once: true });
        // An abort of before is told to nobody.
        if (allowed.controller.signal.aborted) end.destroy();
        return end;
      };
      if (ruling.inspects || this.#requests?.isWatched(flow)) {
        if (this.#requests === undefined) throw failure("EACCES");
        await this.#requests.serve(closing(flow.accept()), this.#requestConnection(allowed, signal));
        return;
      }
      flow.wait(DIAL_MS + SLACK_MS);
      const socket = await this.#dials.dial(flow, ruling, signal, speaksAt(flow.port));
      await join(closing(flow.accept()), closing(socket));
    } catch (error) {
      flow.refuse(errnoOf(error));
    } finally {
      this.#open.delete(allowed);
    }
  }

  #requestConnection({ flow, ruling }: Allowed, signal: AbortSignal): RequestConnection {
    const attempt = { host: flow.host, port: flow.port, binary: flow.subject.binary };
    return {
      flow,
      judge: (facts) => evaluateRequest(this.#table, attempt, facts),
      needs: (facts) => requestNeeds(this.#table, attempt, facts),
      mayCallTool: (facts, name) => mayCallTool(this.#table, attempt, facts, name),
      addresses: ruling.addresses,
      dial: async (scheme) => {
        // Of what it was allowed, what the policy in force still lists.
        const listed = new Set(this.#judge(flow).addresses);
        const narrowed = { ...ruling, addresses: ruling.addresses.filter((address) => listed.has(address)) };
        const socket = await this.#dials.dial(flow, narrowed, signal, scheme);
        // It is kept for later requests: nobody else may listen then, and what the host has closed must not be used.
        socket.on("error", () => undefined);
        socket.allowHalfOpen = false;
        return socket;
      },
    };
  }

  #record(flow: LinkFlow, { ruleId }: Pick<ConnectionRuling, "ruleId">, decided: Partial<Decided> & Verdict): void {
    const { pid, binary, sha256, ancestors } = flow.subject;
    this.#records.decision({
      domain: "network",
      operation: "connect",
      subject: {
        pid,
        binary,
        ...(sha256 === undefined ? {} : { sha256 }),
        ...(ancestors.length > 0 ? { ancestors } : {}),
      },
      object: endpoint(flow.host, flow.port),
      verdict: decided.verdict,
      ...(ruleId === undefined ? {} : { ruleId }),
      decidedBy: decided.decidedBy ?? { kind: "policy" },
      ...(decided.latencyMs === undefined ? {} : { latencyMs: decided.latencyMs }),
      reason: decided.reason,
    });
  }
}

/** What is spoken on a connection that nobody looks into, as far as its port tells. */
function speaksAt(port: number): ReachTarget["speaks"] {
  return port === 443 || port === 8443 ? "https" : port === 80 || port === 8080 ? "http" : "other";
}

type Verdict = Pick<Decision, "verdict" | "reason">;
