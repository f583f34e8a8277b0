/**
 * The inference half of a policy: which calls go where.
 *
 * @module
 */

import {
  assertEnforceable,
  compileGlob,
  type GlobMatcher,
  type InferenceBudget,
  type NormalizedPolicy,
  type NormalizedPrivacyRule,
  type NormalizedTarget,
} from "../../policy/core.ts";
import { type IssueDraft, placeIssues, policyError, quote } from "../../policy/issues.ts";
import { nearestKey } from "../../policy/nearest.ts";
import { originOf } from "../../policy/origin.ts";
import { findProvider, type Provider, type ProviderTable, providerNames } from "../../policy/providers/read.ts";
import { inferenceRules } from "./policy.ts";

/** A provider that a call is sent to, and how. */
export interface Target {
  readonly provider: Provider;
  /** The model that is asked instead. Absent: the one that was called. */
  readonly model?: string;
  /** How long it may say nothing. */
  readonly timeoutMs: number;
}

/** Where calls to some models go. */
export interface Route {
  readonly id: string;
  /** Globs of model names. */
  readonly models: readonly string[];
  readonly matches: GlobMatcher;
  /** In the order in which they are tried: at least one. */
  readonly targets: readonly Target[];
}

/** How the sandbox reaches models. `none`: not at all. */
export type InferencePlan =
  | { readonly kind: "none" }
  | {
      readonly kind: "routes";
      /** The first that matches takes a call. */
      readonly routes: readonly Route[];
      /** Whether calls to a host are routed as if they were made to `inference.local`. */
      readonly intercepts: GlobMatcher;
      readonly budget: InferenceBudget;
      /** What calls carry, and what becomes of them. */
      readonly privacy: readonly PlannedPrivacy[];
      /** Whether what calls say is recorded. */
      readonly recordsContent: boolean;
    };

/** A rule about what calls carry, and the target that it sends them to. */
export interface PlannedPrivacy extends Omit<NormalizedPrivacyRule, "provider" | "model"> {
  readonly target?: Target;
}

/** How long a provider may say nothing unless its route says so. */
const TIMEOUT_MS = 300_000;

/** As long as a timer of the platform goes. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

/**
 * Plans how the sandbox reaches models. A provider of the policy comes before one of the host that has its name.
 *
 * @throws {SandboxError} POLICY_UNSUPPORTED If what no route takes should be asked about.
 * @throws {SandboxError} POLICY_INVALID If a route names a provider that nobody knows, or leads away where the policy is
 * `localOnly`, or a key would be sent in clear, or is a credential that the policy does not have.
 */
export function planInference(policy: NormalizedPolicy, providers: ProviderTable = {}): InferencePlan {
  assertEnforceable(policy, { sections: ["inference"] });
  const { routes, intercept, budget, privacy = [], providers: own = {}, localOnly = false } = inferenceRules(policy);
  if (routes.length === 0 && intercept.length === 0) return { kind: "none" };
  const reading = new Reading([own, providers], localOnly, new Set(policy.credentials.map(({ name }) => name)));
  const planned = routes.map(({ id, models, fallbacks = [], ...first }, index): Route => {
    const path = ["inference", "routes", index];
    const targets = [
      ...reading.target(first, path),
      ...fallbacks.flatMap((each, at) => reading.target(each, [...path, "fallbacks", at])),
    ];
    const globs = models.map((glob) => compileGlob(glob));
    const matches = (model: string) => globs.some((each) => each(model));
    return { id, models, matches, targets };
  });
  const rules = privacy.map(({ provider, model, ...rule }, index): PlannedPrivacy => {
    if (provider === undefined) return rule;
    const target = { provider, ...(model === undefined ? {} : { model }) };
    const [first] = reading.target(target, ["inference", "privacy", index], "privacy");
    return { ...rule, ...(first === undefined ? {} : { target: first }) };
  });
  reading.finish(policy);
  const hosts = intercept.map((host) => compileGlob(host, "."));
  return {
    kind: "routes",
    routes: planned,
    intercepts: (host) => hosts.some((each) => each(host)),
    budget,
    privacy: rules,
    recordsContent: policy.audit.inference === "content",
  };
}

/** Collects what stands against the routes, to say all of it at once. */
class Reading {
  readonly #tables: readonly ProviderTable[];
  readonly #localOnly: boolean;
  readonly #credentials: ReadonlySet<string>;
  readonly #issues: IssueDraft[] = [];

  constructor(tables: readonly ProviderTable[], localOnly: boolean, credentials: ReadonlySet<string>) {
    this.#tables = tables;
    this.#localOnly = localOnly;
    this.#credentials = credentials;
  }

  target(
    { provider: name, model, timeoutMs = TIMEOUT_MS }: NormalizedTarget,
    place: IssueDraft["path"],
    of: "routes" | "privacy" = "routes",
  ): Target[] {
    const path = [...place, "provider"];
    const provider = findProvider(name, this.#tables);
    if (provider === undefined) {
      const known = providerNames(this.#tables);
      const nearest = nearestKey(name, known);
      const message = `there is no provider ${quote(name)}: known are ${known.join(", ")}`;
      this.#issues.push({ path, message, ...(nearest === undefined ? {} : { nearest }) });
      return [];
    }
    const { local, needsKey, baseUrl, credential } = provider;
    if (credential !== undefined && !this.#credentials.has(credential)) {
      this.#issues.push({
        path,
        message: `the policy has no credential ${quote(credential)}, the key of ${quote(name)}`,
      });
    }
    if (of === "privacy" && !local) {
      const message = `what is held back goes to a provider that is local, and ${quote(name)} is not: ${baseUrl}`;
      this.#issues.push({ path, message });
    } else if (this.#localOnly && !local) {
      this.#issues.push({ path, message: `the policy is localOnly, and ${quote(name)} is not local: ${baseUrl}` });
    }
    if (needsKey && !local && new URL(baseUrl).protocol === "http:") {
      this.#issues.push({ path, message: `the key of ${quote(name)} would go in clear: ${baseUrl}` });
    }
    return [{ provider, ...(model === undefined ? {} : { model }), timeoutMs: Math.min(timeoutMs, TIMEOUT_MAX_MS) }];
  }

  finish(policy: NormalizedPolicy): void {
    if (this.#issues.length === 0) return;
    const { source, locate } = originOf(policy) ?? {};
    throw policyError("POLICY_INVALID", placeIssues(this.#issues, locate), { source });
  }
}
