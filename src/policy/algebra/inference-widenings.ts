/**
 * Everything by which a newer policy may let more models be called, or elsewhere, than an older one.
 *
 * @module
 */
import { coversText } from "../containment.ts";
import { canonicalJson } from "../digest.ts";
import type {
  NormalizedInference,
  NormalizedPolicy,
  NormalizedPrivacyRule,
  NormalizedRoute,
  NormalizedTarget,
} from "../normalized.ts";
import type { Widening } from "../widenings.ts";
import { raisedBounds } from "./other-widenings.ts";

/** Why more models may be called, or more be spent. The first route that matches counts, so what stays keeps its order. */
export function inferenceWidenings({ inference: old }: NormalizedPolicy, policy: NormalizedPolicy): Widening[] {
  const { inference: next } = policy;
  const budget = (name: string | undefined, { budget: { providers = {}, ...whole } }: NormalizedInference) => ({
    ...(name === undefined ? whole : (ownOf(providers, name) ?? {})),
  });
  const named = Object.keys(old.budget.providers ?? {});
  const raised = [undefined, ...named].flatMap((name) => raisedBounds(budget(name, old), budget(name, next)));
  return [
    ...routeWidenings(old, next),
    ...changedProviders(old, next).map((name) => ({
      because: `${name} may be another provider`,
      path: ["inference", "providers", name],
    })),
    ...lostPrivacy(old, next),
    ...raised.map((key) => ({ because: `a budget of ${key} is higher, or gone`, path: ["inference", "budget"] })),
    ...when(
      next.unmatched === "ask" && old.unmatched === "deny",
      "what no route matches asks, and was denied",
      "unmatched",
    ),
    ...when(old.localOnly === true && next.localOnly !== true, "routes may lead to other machines", "localOnly"),
    ...old.intercept
      .filter((host) => !next.intercept.includes(host))
      .map((host) => ({ because: `calls to ${host} may reach it`, path: ["inference", "intercept"] })),
  ];
}

/** What some rule of privacy was about, and none of the newer policy is in the same way. */
function lostPrivacy(
  { privacy: before = [] }: NormalizedInference,
  { privacy: after = [] }: NormalizedInference,
): Widening[] {
  const [old, next] = [before.map(meaningOf), after.map(meaningOf)];
  const lost = before.filter((rule) => !next.includes(meaningOf(rule)));
  const added = after.filter((rule) => rule.action === "route" && !old.includes(meaningOf(rule)));
  const routes = (rules: readonly NormalizedPrivacyRule[], others: readonly string[]) =>
    canonicalJson(
      rules.flatMap((rule) => (rule.action === "route" && others.includes(meaningOf(rule)) ? [meaningOf(rule)] : [])),
    );
  return [
    ...lost.map(({ id }) => ({
      because: `what ${id} is about may leave`,
      path: ["inference", "privacy"],
      rule: { of: "old" as const, id },
    })),
    ...added.map(({ id }) => ({
      because: `${id} sends calls to another provider`,
      path: ["inference", "privacy"],
      rule: { of: "new" as const, id },
    })),
    ...when(routes(before, next) !== routes(after, old), "rules of privacy have another order", "privacy"),
  ];
}

/** What a rule of privacy says, whatever it is called. */
function meaningOf({ id: _, ...rule }: NormalizedPrivacyRule): string {
  return canonicalJson(rule);
}

/** Where a route sends calls, whatever it is called and however long it waits. */
export function targetOf({ provider, model, fallbacks = [] }: Omit<NormalizedRoute, "id" | "models">): string {
  const place = (target: NormalizedTarget) => [target.provider, target.model ?? null];
  return canonicalJson([place({ provider, ...(model === undefined ? {} : { model }) }), fallbacks.map(place)]);
}

function routeWidenings(old: NormalizedInference, next: NormalizedInference): Widening[] {
  const meaning = (route: NormalizedRoute) => canonicalJson([route.models, targetOf(route)]);
  const [before, after] = [old.routes.map(meaning), next.routes.map(meaning)];
  const added = next.routes.filter((route) => {
    if (before.includes(meaning(route))) return false;
    return mayBeTaken(route, old.routes) || !old.routes.some((other) => containsRoute(other, route));
  });
  const lost = old.routes.filter((route) => !after.includes(meaning(route)) && mayBeTaken(route, next.routes));
  const kept = before.filter((each) => after.includes(each));
  const isMoved = canonicalJson(kept) !== canonicalJson(after.filter((each) => before.includes(each)));
  return [
    ...added.map(({ id }) => ({
      because: `no route of the old policy contains ${id}`,
      path: ["inference", "routes", next.routes.findIndex((route) => route.id === id)],
      rule: { of: "new" as const, id },
    })),
    ...lost.map(({ id }) => ({
      because: `other routes may take the calls of ${id}`,
      path: ["inference", "routes"],
      rule: { of: "old" as const, id },
    })),
    ...when(isMoved, "routes have another order", "routes"),
  ];
}

/** The names that routes use, and that mean something else than before. */
function changedProviders(old: NormalizedInference, next: NormalizedInference): string[] {
  const used = [
    ...next.routes.flatMap(({ provider, fallbacks = [] }) => [provider, ...fallbacks.map((it) => it.provider)]),
    ...(next.privacy ?? []).flatMap(({ provider }) => provider ?? []),
  ];
  return [...new Set(used)].filter((name) => {
    const said = ({ providers = {} }: NormalizedInference) => canonicalJson(ownOf(providers, name) ?? null);
    return said(old) !== said(next);
  });
}

function containsRoute(wide: NormalizedRoute, narrow: NormalizedRoute): boolean {
  if (targetOf(wide) !== targetOf(narrow)) return false;
  return narrow.models.every((model) => wide.models.some((other) => coversText(other, model)));
}

/** Whether calls of a route may go to one that sends them elsewhere. */
function mayBeTaken(route: NormalizedRoute, routes: readonly NormalizedRoute[]): boolean {
  return routes.some((other) => targetOf(other) !== targetOf(route));
}

/** A key that is called like one of every object is none of it. */
export function ownOf<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function when(holds: boolean, because: string, key: string): Widening[] {
  return holds ? [{ because, path: ["inference", key] }] : [];
}
