/**
 * The connections of a sandbox: decided, made by the host, relayed, and closed when the policy no longer allows them.
 *
 * @module
 */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Decision } from "../audit/mod.ts";
import type { NetworkPlan } from "../domains/network/mod.ts";
import { RequestDenied } from "../egress/http/failure.ts";
import { dial, type FlowErrno, join, LinkFlow, resolveChecked, systemResolver } from "../egress/mod.ts";
import type { Decided, NetworkConnect, PluginRegistry } from "../hooks/mod.ts";
import { violation } from "../link/codec.ts";
import type { FlowHandler, Link, StreamHandler } from "../link/link.ts";
import type { MessageValues } from "../link/protocol.ts";
import { type ConnectionRuling, evaluateConnection, evaluateRequest } from "../policy/mod.ts";
import type { DecisionRecords } from "./decisions.ts";
import type { SandboxOptions } from "./options.ts";
import { type RequestConnection, Requests } from "./requests.ts";
import type { SandboxTrust } from "./trust.ts";

/** What connections need of their sandbox. */
export interface ConnectionsSetting {
  readonly registry: PluginRegistry;
  readonly records: DecisionRecords;
  /** Absent: no connection is looked into. */
  readonly trust: SandboxTrust | undefined;
  readonly options: Pick<SandboxOptions, "resolver" | "certificates">;
}

/** A connection that was allowed. */
interface Allowed {
  readonly flow: LinkFlow;
  readonly ruling: ConnectionRuling;
  readonly controller: AbortController;
}

/** How long finding and connecting to a host may take, in milliseconds. */
const DIAL_MS = 30_000;

/** The warden's patience goes on a little longer. */
const SLACK_MS = 1000;

/** Decides about connections, and makes them. */
export class Connections implements FlowHandler {
  /** Set before the first frame can come. */
  link: Link | undefined;
  readonly #setting: ConnectionsSetting;
  readonly #open = new Set<Allowed>();
  readonly #requests: Requests | undefined;
  #plan: NetworkPlan;

  constructor(setting: ConnectionsSetting, plan: NetworkPlan) {
    const { registry, records, trust, options } = setting;
    const certificates = options.certificates ?? [];
    this.#setting = setting;
    this.#plan = plan;
    this.#requests = trust === undefined ? undefined : new Requests({ registry, records, trust, certificates });
  }

  onFlow(stream: number, values: MessageValues<"flow">): StreamHandler {
    if (this.link === undefined) throw violation("a connection came before its link");
    const flow = new LinkFlow(this.link, stream, values);
    void this.#handle(flow);
    return flow;
  }

  /** Another policy is in force: what it does not allow any more is closed, and everything else goes on. */
  setPlan(plan: NetworkPlan): void {
    this.#plan = plan;
    this.#requests?.policyChanged();
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
    this.#requests?.close();
  }

  async #handle(flow: LinkFlow): Promise<void> {
    try {
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
    if (this.#requests?.explain(flow, ruling, reason) !== true) flow.refuse("ECONNREFUSED");
  }

  #judge({ host, port, subject }: LinkFlow): ConnectionRuling {
    return evaluateConnection(this.#plan, { host, port, binary: subject.binary });
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
        return end;
      };
      if (ruling.inspects || this.#requests?.isWatched(flow)) {
        if (this.#requests === undefined) throw failure("EACCES");
        await this.#requests.serve(closing(flow.accept()), this.#requestConnection(allowed, signal));
        return;
      }
      flow.wait(DIAL_MS + SLACK_MS);
      const socket = await this.#dial(flow, ruling, signal);
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
      judge: (facts) => evaluateRequest(this.#plan, attempt, facts),
      addresses: ruling.addresses,
      dial: async () => {
        const socket = await this.#dial(flow, ruling, signal);
        // It is kept for later requests: nobody else may listen then, and what the host has closed must not be used.
        socket.on("error", () => undefined);
        socket.allowHalfOpen = false;
        return socket;
      },
    };
  }

  async #dial(flow: LinkFlow, ruling: ConnectionRuling, signal: AbortSignal): Promise<Socket> {
    return dial(await this.#addresses(flow, ruling), flow.port, { timeoutMs: DIAL_MS, signal });
  }

  /** What may be dialed. That nothing may is a denial of its own. */
  async #addresses(flow: LinkFlow, ruling: ConnectionRuling): Promise<readonly string[]> {
    const { resolver = systemResolver } = this.#setting.options;
    const { addresses, refused } = await resolveChecked(flow.host, ruling.addresses, resolver);
    if (addresses.length > 0) return addresses;
    const [first] = refused;
    if (first === undefined) throw failure("ENOTFOUND");
    const reason = `it resolves to ${first.address} (${first.kind}), which no rule lists in its addresses`;
    this.#record(flow, ruling, { verdict: "deny", reason });
    throw new RequestDenied({ error: "denied", reason, ruleId: ruling.ruleId, judged: true });
  }

  #record(flow: LinkFlow, { ruleId }: ConnectionRuling, decided: Partial<Decided> & Verdict): void {
    const { pid, binary, sha256, ancestors } = flow.subject;
    this.#setting.records.decision({
      domain: "network",
      operation: "connect",
      subject: {
        pid,
        binary,
        ...(sha256 === undefined ? {} : { sha256 }),
        ...(ancestors.length > 0 ? { ancestors } : {}),
      },
      object: `${flow.host}:${flow.port}`,
      verdict: decided.verdict,
      ...(ruleId === undefined ? {} : { ruleId }),
      decidedBy: decided.decidedBy ?? { kind: "policy" },
      ...(decided.latencyMs === undefined ? {} : { latencyMs: decided.latencyMs }),
      reason: decided.reason,
    });
  }
}

type Verdict = Pick<Decision, "verdict" | "reason">;

function deniedByPolicy(ruleId: string | undefined): Decided {
  const reason = ruleId === undefined ? "no rule of the policy allows it" : `rule ${ruleId} denies it`;
  return { verdict: "deny", decidedBy: { kind: "policy" }, reason, latencyMs: 0 };
}

/** What was allowed stays so where the policy allows it by itself, or still leaves it to whom it was left before. */
function isKept(before: ConnectionRuling, now: ConnectionRuling): boolean {
  // Its bytes were never looked at, and now have to be.
  if (now.inspects && !before.inspects) return false;
  if (now.verdict === "allow") return true;
  return (
    now.verdict === before.verdict &&
    now.verdict === "ask" &&
    now.ruleId === before.ruleId &&
    now.defer === before.defer
  );
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

const ERRNOS: Readonly<Record<string, FlowErrno>> = {
  ECONNREFUSED: "ECONNREFUSED",
  ETIMEDOUT: "ETIMEDOUT",
  ENETUNREACH: "ENETUNREACH",
  EACCES: "EACCES",
};

/** How the program is told. A name without addresses is a host that cannot be reached. */
function errnoOf(error: unknown): FlowErrno {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return ERRNOS[code] ?? "EHOSTUNREACH";
}
