/**
 * What two policies both allow.
 *
 * @module
 */
import type { InferenceLimits, Policy, PolicySectionName } from "../types.ts";
import { type Draft, finishDraft, valueKey } from "./draft.ts";
import { putEmissions } from "./emissions.ts";
import { meetRanges } from "./hosts.ts";
import { type Part, readParts, sourcesOf } from "./parts.ts";
import { hasBaseline, restrictFiles } from "./restrict-files.ts";
import { asksUnmatched, restrictNetwork } from "./restrict-network.ts";
import { providersOf, putLesser, restrictCredentials, restrictRoutes } from "./restrict-others.ts";
import { privacyProviders, restrictPrivacy } from "./restrict-privacy.ts";
import { restrictPrograms } from "./restrict-programs.ts";

/**
 * Narrows a policy to what a cap allows as well: nothing is allowed that either of the two denies, and nothing goes unasked
 * that either asks about.
 *
 * Shape: a policy that is checked and frozen, plain data that YAML can hold. Grants are intersected, exactly where a policy can
 * say it and narrower where it cannot; denials of both hold; of limits and budgets the lower ones do. A section that the cap
 * does not have grants nothing. An ask that cannot be written down (for reading alone, or of two deciders) becomes a denial;
 * `unmatched: ask` stays where both have it. Rules keep their ids; one that became several counts them: `id`, `id.2`.
 *
 * @throws {SandboxError} POLICY_INVALID If one of the two is malformed, or the result is longer than a policy may be.
 * @throws {SandboxError} POLICY_INEXPRESSIBLE If globs of two rules overlap in more ways than can be written down.
 *
 * @example
 * ```ts
 * import { restrict } from "cofferdam";
 *
 * const cap = "version: 1\nfilesystem: { read: [.], write: [./docs] }";
 * restrict({ version: 1, filesystem: { write: ["."] } }, cap).filesystem; // { read: ["."], write: ["./docs"] }
 * ```
 */
export function restrict(policy: Policy | string, cap: Policy | string): Policy {
  const [a, b] = readParts([policy, cap], (index) => (index === 0 ? "the policy" : "the cap"));
  if (a === undefined || b === undefined) throw new TypeError("there are two policies");
  const locked: readonly PolicySectionName[] = [...(a.policy.locked ?? []), ...(b.policy.locked ?? [])];
  const draft: Draft = { name: a.policy.name, lists: new Map(), values: new Map(), locked };
  if (hasList(a) || hasList(b)) draft.lists.set("process.allow", []);
  const routes = restrictRoutes(a, b);
  const all = [...restrictFiles(a, b), ...restrictPrograms(a, b), ...restrictNetwork(a, b), ...routes];
  putEmissions(draft, [...all, ...restrictCredentials(a, b)]);
  putRanges(draft, a, b);
  putValues(draft, a, b);
  putInference(draft, a, b, providersOf(a, routes, privacyProviders(a, b)));
  return finishDraft(draft);
}

function hasList({ normalized }: Part): boolean {
  return normalized.process.allow !== "readable";
}

function putRanges(draft: Draft, a: Part, b: Part): void {
  const ranges = meetRanges(a.normalized.network.privateRanges, b.normalized.network.privateRanges);
  const from = [a, b].flatMap((part) => sourcesOf(part, valueKey("network.privateRanges")));
  if (ranges.length > 0)
    draft.lists.set(
      "network.privateRanges",
      ranges.map((value) => ({ value, from })),
    );
}

const RECORDED = ["all", "denials", "off"] as const;

function putValues(draft: Draft, a: Part, b: Part): void {
  const parts = [a, b] as const;
  const from = (place: string) => parts.flatMap((part) => sourcesOf(part, valueKey(place)));
  const put = (place: string, value: unknown): void => {
    draft.values.set(place, { value, from: from(place) });
  };
  const asks = (holds: (part: Part) => boolean): boolean => parts.every(holds);
  if (!asks(({ normalized }) => hasBaseline(normalized))) put("filesystem.baseline", false);
  if (asks(({ normalized }) => normalized.filesystem.unmatched === "ask")) put("filesystem.unmatched", "ask");
  // Without a list of its own a policy has no say in what no list names.
  const isAsked = asks((part) => !hasList(part) || part.normalized.process.unmatched === "ask");
  if (isAsked && parts.some(hasList)) put("process.unmatched", "ask");
  if (asksUnmatched(a, b)) put("network.unmatched", "ask");
  if (asks(({ normalized }) => normalized.inference.unmatched === "ask")) put("inference.unmatched", "ask");
  for (const key of ["memoryBytes", "cpus", "pids", "timeoutMs"])
    putLesser<number>(draft, parts, `process.limits.${key}`, Number);
  if (parts.some(({ policy }) => policy.process?.limits !== undefined)) {
    // Whoever has no limits does not say how they are held.
    const isLoose = parts.every(
      ({ policy: { process } }) => (process?.limits?.mode ?? mode(process?.limits)) === "best-effort",
    );
    if (isLoose) put("process.limits.mode", "best-effort");
  }
  const recorded = parts.flatMap(({ policy }) => policy.audit?.files ?? []);
  const most = RECORDED.find((each) => recorded.includes(each));
  if (most !== undefined) put("audit.files", most);
  const [kept] = parts.flatMap(({ policy }) => policy.audit?.inference ?? []).sort();
  if (kept !== undefined) put("audit.inference", kept);
}

function mode(limits: object | undefined): "enforce" | "best-effort" {
  return limits === undefined ? "best-effort" : "enforce";
}

function putInference(draft: Draft, a: Part, b: Part, providers: Readonly<Record<string, unknown>>): void {
  const parts = [a, b] as const;
  const intercept = new Set(parts.flatMap(({ normalized }) => normalized.inference.intercept));
  const from = parts.map(({ name }) => name);
  // What is routed never reaches the host itself, so to route more is to allow less.
  if (intercept.size > 0)
    draft.lists.set(
      "inference.intercept",
      [...intercept].map((value) => ({ value, from })),
    );
  draft.lists.set("inference.privacy", restrictPrivacy(a, b));
  if (Object.keys(providers).length > 0) draft.values.set("inference.providers", { value: providers, from });
  if (parts.some(({ normalized }) => normalized.inference.localOnly === true)) {
    draft.values.set("inference.localOnly", { value: true, from });
  }
  for (const key of KEYS) putLesser<number>(draft, parts, `inference.budget.${key}`, Number);
  const budgets = parts.map(({ normalized }) => normalized.inference.budget.providers ?? {});
  const names = new Set(budgets.flatMap((record) => Object.keys(record)));
  if (names.size === 0) return;
  const value = Object.fromEntries([...names].map((name) => [name, lowest(budgets.flatMap((it) => own(it, name)))]));
  draft.values.set("inference.budget.providers", { value, from });
}

const KEYS = ["tokens", "usd", "callsPerMinute"] as const;

function own<T>(record: Readonly<Record<string, T>>, name: string): T[] {
  const value = Object.hasOwn(record, name) ? record[name] : undefined;
  return value === undefined ? [] : [value];
}

function lowest(limits: readonly InferenceLimits[]): InferenceLimits {
  const entries = KEYS.flatMap((key) => {
    const given = limits.flatMap((each) => each[key] ?? []);
    return given.length === 0 ? [] : [[key, Math.min(...given)] as const];
  });
  return Object.fromEntries(entries);
}
