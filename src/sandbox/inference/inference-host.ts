/**
 * `inference.local` of one sandbox, and the hosts whose calls it takes over.
 *
 * @module
 */
import type { CredentialStore } from "../../credentials/mod.ts";
import {
  type BudgetNotice,
  type InferencePlan,
  type JudgedCall,
  type Provider,
  ProviderConnections,
} from "../../domains/inference/mod.ts";
import type { Router } from "../../domains/inference/router/router.ts";
import type { LocalApp } from "../../egress/http/connection.ts";
import { type FlowSubject, readProxySettings } from "../../egress/mod.ts";
import { HookedCall, type InferenceCall, type PluginRegistry, type PolicyRuling } from "../../hooks/mod.ts";
import { INFERENCE_HOST } from "../../policy/core.ts";
import type { DecisionRecords } from "../decisions.ts";
import type { SandboxOptions } from "../options.ts";
import { answerJudge } from "./answer-judge.ts";
import { callDecision } from "./call-decision.ts";
import { credentialOf, findKey } from "./keys.ts";
import type { SensitiveFiles } from "./sensitive-files.ts";

/** Who writes down that a budget comes to its end. */
export interface BudgetRecords {
  budget(notice: BudgetNotice): void;
}

/** What it needs of its sandbox. */
export interface InferenceHostParts {
  readonly registry: PluginRegistry;
  readonly records: DecisionRecords & BudgetRecords;
  readonly sensitive: SensitiveFiles;
  readonly credentials: CredentialStore;
  readonly options: Pick<SandboxOptions, "resolver" | "certificates" | "proxy" | "inference">;
}

/** Where APIs are: over TLS, and `inference.local` without it, too. */
const PORTS: ReadonlySet<number> = new Set([80, 443]);

/** The host. */
export class InferenceHost {
  readonly #parts: InferenceHostParts;
  readonly #connections: ProviderConnections;
  #plan: InferencePlan;
  #router: Promise<Router> | undefined;

  constructor(parts: InferenceHostParts, plan: InferencePlan) {
    const { resolver, certificates = [], proxy } = parts.options;
    this.#parts = parts;
    this.#plan = plan;
    this.#connections = new ProviderConnections({
      resolver,
      certificates,
      proxies: () => readProxySettings(proxy, process.env),
    });
  }

  /** Whether calls to a host are answered here. */
  serves(host: string, port: number): boolean {
    const plan = this.#plan;
    return plan.kind === "routes" && PORTS.has(port) && (host === INFERENCE_HOST || plan.intercepts(host));
  }

  /** What answers a program. */
  async for(subject: FlowSubject): Promise<LocalApp> {
    // Most sandboxes never need it.
    this.#router ??= import("../../domains/inference/router/router.ts").then((module) => this.#make(module.Router));
    return (await this.#router).for(subject);
  }

  /** Another policy is in force. */
  async setPlan(plan: InferencePlan): Promise<void> {
    this.#plan = plan;
    (await this.#router)?.policyChanged();
  }

  /** The sandbox has ended. */
  close(): void {
    this.#connections.close();
  }

  async #judge(call: InferenceCall, ruling: PolicyRuling, signal: AbortSignal): Promise<JudgedCall> {
    const hooked = new HookedCall(call);
    const decided = await this.#parts.registry.decideCall(hooked, ruling, { signal });
    return hooked.changedBy === undefined ? { decided } : { decided, body: hooked.current.body };
  }

  #make(Maker: typeof Router): Router {
    const { records, options, credentials } = this.#parts;
    const keyFor = options.inference?.keyFor;
    const keys = { keyFor, credentials, problem: (error: Error) => records.problem(error) };
    return new Maker({
      plan: () => this.#plan,
      keyFor: (provider: Provider) => findKey(provider, keys),
      send: async (provider, request) => {
        const response = await this.#connections.send(provider, request);
        const credential = keyFor === undefined ? credentialOf(provider, credentials) : undefined;
        if (response.status === 401 && credential !== undefined) credentials.refused(credential);
        return response;
      },
      hears: answerJudge(this.#parts.registry),
      judge: (call, ruling, signal) => this.#judge(call, ruling, signal),
      prices: options.inference?.prices,
      patterns: options.inference?.patterns,
      fingerprints: () => this.#parts.sensitive.fingerprints,
      onBudget: (notice) => records.budget(notice),
      record: (call) => records.decision(callDecision(call, () => credentials.secrets())),
    });
  }
}
