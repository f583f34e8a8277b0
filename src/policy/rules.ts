/**
 * Rules of a policy that look at more than one field. They walk data that may be malformed elsewhere, so that one error
 * can carry what they find together with what the schema found.
 *
 * @module
 */

import { INFERENCE_HOST, LOCAL_HOST } from "./connections.ts";
import { contentIssues } from "./content-issues.ts";
import { credentialIssues } from "./credentials/issues.ts";
import { inferenceIssues } from "./inference-issues.ts";
import { type DocumentPath, formatPath, type IssueDraft, quote } from "./issues.ts";
import { canonicalPath, grantProblem, HOME_PATH, literalPrefix, pathProblem, WORKSPACE_PATH } from "./paths.ts";

type Entry = readonly [path: DocumentPath, value: Readonly<Record<string, unknown>>];

/** Every list of rules that may carry an id. */
const LISTS: readonly DocumentPath[] = [
  ...["read", "write", "deny", "ask"].map((list) => ["filesystem", list]),
  ...["allow", "deny", "ask"].map((list) => ["process", list]),
  ...["allow", "deny", "ask"].map((list) => ["network", list]),
  ["inference", "routes"],
  ["inference", "privacy"],
];

/** Everything that stands against a policy beyond its fields. */
export function crossFieldIssues(data: unknown): IssueDraft[] {
  return [
    ...duplicates(LISTS, "id", data),
    ...credentialIssues(data),
    ...limitIssues(data),
    ...httpIssues(data),
    ...contentIssues(data),
    ...grantIssues(data),
    ...inferenceIssues(data),
  ];
}

function duplicates(lists: readonly DocumentPath[], key: string, data: unknown): IssueDraft[] {
  const seen = new Map<string, DocumentPath>();
  const issues: IssueDraft[] = [];
  for (const [path, value] of lists.flatMap((list) => maps(data, list))) {
    const id = value[key];
    if (typeof id !== "string") continue;
    const first = seen.get(id);
    if (first === undefined) seen.set(id, [...path, key]);
    else issues.push({ path: [...path, key], message: `${key} ${quote(id)} is taken by ${formatPath(first)}` });
  }
  return issues;
}

function limitIssues(data: unknown): IssueDraft[] {
  const limits = at(data, ["process", "limits"]);
  if (!isMap(limits)) return [];
  const pairs = [
    ["memory", "memoryBytes"],
    ["timeout", "timeoutMs"],
  ] as const;
  return pairs.flatMap(([text, number]): IssueDraft[] => {
    if (limits[text] === undefined || limits[number] === undefined) return [];
    return [
      { path: ["process", "limits", number], message: `${text} and ${number} say the same: give one`, target: "key" },
    ];
  });
}

function httpIssues(data: unknown): IssueDraft[] {
  return [...maps(data, ["network", "allow"]), ...maps(data, ["network", "ask"])].flatMap(([path, rule]) => {
    const issues: IssueDraft[] = [];
    const host = typeof rule.host === "string" ? rule.host.toLowerCase() : "";
    const own = { [LOCAL_HOST]: "the sandbox's own page", [INFERENCE_HOST]: "what the inference section serves" }[host];
    if (own !== undefined) {
      issues.push({ path: [...path, "host"], message: `${host} is ${own}, and no host: drop the rule` });
    }
    if (isMap(rule.http) && (rule.http.access === undefined) === (rule.http.rules === undefined)) {
      issues.push({ path: [...path, "http"], message: 'expected exactly one of "access" and "rules"' });
    }
    if (rule.http !== undefined && rule.tls === "passthrough") {
      issues.push({
        path: [...path, "tls"],
        message: 'HTTP cannot be judged through TLS that is passed through: drop "http" or "tls"',
      });
    }
    if (rule.enforcement === "audit" && rule.http === undefined) {
      issues.push({
        path: [...path, "enforcement"],
        message: 'there is nothing to audit without "http": drop "enforcement"',
      });
    }
    return issues;
  });
}

function grantIssues(data: unknown): IssueDraft[] {
  const places = { workspace: WORKSPACE_PATH, home: HOME_PATH };
  return (["read", "write", "ask"] as const).flatMap((list) => {
    const entries = at(data, ["filesystem", list]);
    if (!Array.isArray(entries)) return [];
    return entries.flatMap((entry: unknown, index): IssueDraft[] => {
      const path = isMap(entry) ? entry.path : entry;
      if (typeof path !== "string" || pathProblem(path) !== undefined) return [];
      const problem = grantProblem(literalPrefix(canonicalPath(path), places), list === "write" ? "write" : "read");
      const place = ["filesystem", list, index, ...(isMap(entry) ? ["path"] : [])];
      return problem === undefined ? [] : [{ path: place, message: `cannot grant ${quote(path)}: ${problem}` }];
    });
  });
}

function maps(data: unknown, path: DocumentPath): Entry[] {
  const list = at(data, path);
  if (!Array.isArray(list)) return [];
  return list.flatMap((value: unknown, index): Entry[] => (isMap(value) ? [[[...path, index], value]] : []));
}

function at(data: unknown, path: DocumentPath): unknown {
  let value = data;
  for (const part of path) value = isMap(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  return value;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
