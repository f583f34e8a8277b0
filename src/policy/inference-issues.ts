/**
 * Rules of the inference section that look at more than one field.
 *
 * @module
 */

import type { DocumentPath, IssueDraft } from "./issues.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What stands against the section beyond its fields. */
export function inferenceIssues(data: unknown): IssueDraft[] {
  if (!isMap(data) || !isMap(data.inference)) return [];
  const { routes, privacy } = data.inference;
  return [
    ...(Array.isArray(routes) ? routeIssues(routes) : []),
    ...keyIssues(data.inference),
    ...(Array.isArray(privacy) ? privacy.flatMap(privacyIssues) : []),
  ];
}

function privacyIssues(rule: unknown, index: number): IssueDraft[] {
  if (!isMap(rule)) return [];
  const path = ["inference", "privacy", index];
  const issues: IssueDraft[] = [];
  if (rule.sensitive === undefined && rule.patterns === undefined) {
    issues.push({ path, message: 'it looks for nothing: give "sensitive", "patterns" or both' });
  }
  if (rule.action === "route" && rule.provider === undefined) {
    issues.push({ path, message: 'the action route needs a "provider"' });
  }
  for (const key of ["provider", "model"]) {
    if (rule.action === "route" || rule[key] === undefined) continue;
    issues.push({ path: [...path, key], message: `only the action route has a ${key}: drop it`, target: "key" });
  }
  return issues;
}

function routeIssues(routes: readonly unknown[]): IssueDraft[] {
  return routes.flatMap((route: unknown, index) => {
    if (!isMap(route)) return [];
    const path = ["inference", "routes", index];
    const fallbacks: unknown[] = Array.isArray(route.fallbacks) ? route.fallbacks : [];
    return [
      ...timeoutIssues(route, path),
      ...fallbacks.flatMap((each, at) => (isMap(each) ? timeoutIssues(each, [...path, "fallbacks", at]) : [])),
    ];
  });
}

function keyIssues({ providers }: Fields): IssueDraft[] {
  if (!isMap(providers)) return [];
  return Object.entries(providers).flatMap(([name, provider]): IssueDraft[] => {
    if (!isMap(provider) || provider.credential === undefined || provider.keyVariable === undefined) return [];
    const message = "credential and keyVariable both say where the key is: give one";
    return [{ path: ["inference", "providers", name, "credential"], message, target: "key" }];
  });
}

function timeoutIssues(target: Fields, path: DocumentPath): IssueDraft[] {
  if (target.timeout === undefined || target.timeoutMs === undefined) return [];
  return [{ path: [...path, "timeoutMs"], message: "timeout and timeoutMs say the same: give one", target: "key" }];
}

function isMap(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
