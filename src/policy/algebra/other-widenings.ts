/**
 * Everything by which a newer policy may give more of what is no file, program or connection: resources, models, secrets, and
 * deeds that nobody writes down.
 *
 * @module
 */
import { coversText } from "../containment.ts";
import { canonicalJson } from "../digest.ts";
import type { NormalizedPolicy, NormalizedRoute } from "../normalized.ts";
import type { Widening } from "../widenings.ts";

/** Why more resources may be used. */
export function limitWidenings({ process: old }: NormalizedPolicy, { process: next }: NormalizedPolicy): Widening[] {
  const { mode: modeBefore, ...before } = old.limits;
  const { mode: modeAfter, ...after } = next.limits;
  const raised = raisedBounds(before, after).map((key) => ({
    because: `process.limits.${key} is higher, or gone`,
    path: ["process", "limits", key],
  }));
  const isLooser = modeAfter === "best-effort" && modeBefore === "enforce";
  const loosened = { because: "limits need no longer be held exactly", path: ["process", "limits", "mode"] };
  return isLooser ? [...raised, loosened] : raised;
}

/** Why more models may be called, or for more money. The first route that matches counts, so what stays keeps its order. */
export function inferenceWidenings({ inference: old }: NormalizedPolicy, next: NormalizedPolicy): Widening[] {
  const { routes, budget, unmatched, intercept } = next.inference;
  const isOld = (route: NormalizedRoute) => old.routes.some((other) => canonicalJson(other) === canonicalJson(route));
  const added = routes.filter((route) => {
    if (isOld(route)) return false;
    return mayBeTaken(route, old.routes) || !old.routes.some((other) => containsRoute(other, route));
  });
  const kept = old.routes.filter((route) => routes.some((other) => canonicalJson(other) === canonicalJson(route)));
  const order = routes.filter(isOld);
  const isMoved = canonicalJson(kept) !== canonicalJson(order);
  const lost = old.routes.filter((route) => !kept.includes(route)).filter((route) => mayBeTaken(route, routes));
  return [
    ...added.map(({ id }) => ({
      because: `no route of the old policy contains ${id}`,
      path: ["inference", "routes", routes.findIndex((route) => route.id === id)],
      rule: { of: "new" as const, id },
    })),
    ...lost.map(({ id }) => ({
      because: `other routes may take the calls of ${id}`,
      path: ["inference", "routes"],
      rule: { of: "old" as const, id },
    })),
    ...(isMoved ? [{ because: "routes have another order", path: ["inference", "routes"] }] : []),
    ...raisedBounds(old.budget, budget).map((key) => ({
      because: `inference.budget.${key} is higher, or gone`,
      path: ["inference", "budget", key],
    })),
    ...(unmatched === "ask" && old.unmatched === "deny"
      ? [{ because: "what no route matches asks, and was denied", path: ["inference", "unmatched"] }]
      : []),
    ...old.intercept
      .filter((host) => !intercept.includes(host))
      .map((host) => ({ because: `calls to ${host} may reach it`, path: ["inference", "intercept"] })),
  ];
}

/** Why a secret may be sent to more hosts. */
export function credentialWidenings({ credentials: old }: NormalizedPolicy, next: NormalizedPolicy): Widening[] {
  return next.credentials.flatMap(({ id, name, hosts }, index): Widening[] => {
    const known = old.filter((other) => other.name === name).flatMap((other) => other.hosts);
    const added = hosts.find((host) => !known.some((other) => coversText(other, host, ".")));
    if (added === undefined) return [];
    const because = `${name} may be sent to ${added}`;
    return [{ because, path: ["credentials", index], rule: { of: "new", id } }];
  });
}

const RECORDED = ["off", "denials", "all"] as const;

/** Why less is recorded. Nothing more may happen then, but it may happen unseen. */
export function auditWidenings({ audit: old }: NormalizedPolicy, { audit: next }: NormalizedPolicy): Widening[] {
  if (RECORDED.indexOf(next.files) >= RECORDED.indexOf(old.files)) return [];
  return [{ because: "fewer file operations are recorded", path: ["audit", "files"] }];
}

type Bounds = Readonly<Record<string, number | undefined>>;

function raisedBounds(before: Bounds, after: Bounds): string[] {
  return Object.entries(before)
    .filter(([key, bound]) => bound !== undefined && (after[key] ?? Number.POSITIVE_INFINITY) > bound)
    .map(([key]) => key);
}

function containsRoute(wide: NormalizedRoute, narrow: NormalizedRoute): boolean {
  if (wide.provider !== narrow.provider || wide.model !== narrow.model) return false;
  return narrow.models.every((model) => wide.models.some((other) => coversText(other, model)));
}

/** Whether calls of a route that is gone would go to one that sends them elsewhere. */
function mayBeTaken({ provider, model }: NormalizedRoute, routes: readonly NormalizedRoute[]): boolean {
  return routes.some((other) => other.provider !== provider || other.model !== model);
}
