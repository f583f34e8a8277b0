/**
 * Rules of the inference section that look at more than one field.
 *
 * @module
 */

import type { DocumentPath, IssueDraft } from "./issues.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What stands against the section beyond its fields. */
export function inferenceIssues(data: unknown): IssueDraft[] {
  if (!isMap(data) || !isMap(data.inference) || !Array.isArray(data.inference.routes)) return [];
  return data.inference.routes.flatMap((route: unknown, index) => {
    if (!isMap(route)) return [];
    const path = ["inference", "routes", index];
    const fallbacks: unknown[] = Array.isArray(route.fallbacks) ? route.fallbacks : [];
    return [
      ...timeoutIssues(route, path),
      ...fallbacks.flatMap((each, at) => (isMap(each) ? timeoutIssues(each, [...path, "fallbacks", at]) : [])),
    ];
  });
}

function timeoutIssues(target: Fields, path: DocumentPath): IssueDraft[] {
  if (target.timeout === undefined || target.timeoutMs === undefined) return [];
  return [{ path: [...path, "timeoutMs"], message: "timeout and timeoutMs say the same: give one", target: "key" }];
}

function isMap(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
