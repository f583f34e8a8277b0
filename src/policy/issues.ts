/**
 * What is wrong with a policy: collected first, reported all at once.
 *
 * @module
 */

import { type PolicyIssue, SandboxError } from "../errors.ts";

/** A place in a policy, from its root. */
export type DocumentPath = readonly (string | number)[];

/** A place in a text. Both count from 1; columns count UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Finds a place of the policy in the text that it came from: the value there, or the key that leads to it. */
export type Locate = (path: DocumentPath, target: "key" | "value") => Position | undefined;

/** An issue before it is known where in the text it stands. */
export interface IssueDraft {
  readonly path: DocumentPath;
  readonly message: string;
  readonly nearest?: string;
  /** Whether the key itself is what is wrong. @default {"value"} */
  readonly target?: "key" | "value";
  /** Known already, for errors of the YAML syntax. */
  readonly position?: Position;
}

/** How many issues an error's message lists. All are in its details. */
const LISTED = 20;

/** Writes a place as `filesystem.read[2].path`. */
export function formatPath(path: DocumentPath): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (!/^[\w$-]+$/.test(part)) text += `[${quote(part)}]`;
    else text += text === "" ? part : `.${part}`;
  }
  return text;
}

/** Writes a value for a message, on one line and no longer than 60 characters. */
export function quote(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "a map";
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 56)}..."` : text;
}

/** Gives drafts their places in the text, and the order in which a reader meets them. */
export function placeIssues(drafts: readonly IssueDraft[], locate: Locate | undefined): PolicyIssue[] {
  const issues = drafts.map(({ path, message, nearest, target, position }): PolicyIssue => {
    const place = position ?? locate?.(path, target ?? "value");
    return { path: formatPath(path), message, ...place, ...(nearest === undefined ? {} : { nearest }) };
  });
  const rank = (issue: PolicyIssue): number => issue.line ?? Number.POSITIVE_INFINITY;
  return issues.sort((a, b) => {
    if (rank(a) !== rank(b)) return rank(a) < rank(b) ? -1 : 1;
    return (a.column ?? 0) - (b.column ?? 0);
  });
}

/** Makes the one error that carries all issues. */
export function policyError<C extends "POLICY_INVALID" | "POLICY_UNSUPPORTED">(
  code: C,
  issues: readonly PolicyIssue[],
  options: { readonly source?: string | undefined; readonly hint?: string | undefined; readonly cause?: unknown } = {},
): SandboxError<C> {
  const { source, hint, cause } = options;
  const verb = code === "POLICY_INVALID" ? "use" : "enforce";
  const name = source === undefined ? "the policy" : `the policy ${source}`;
  const count = issues.length === 1 ? "1 issue" : `${issues.length} issues`;
  const lines = issues.slice(0, LISTED).map((issue) => `\n  ${formatIssue(issue, source)}`);
  if (issues.length > LISTED) lines.push(`\n  and ${issues.length - LISTED} more`);
  return new SandboxError<"POLICY_INVALID" | "POLICY_UNSUPPORTED">(
    code,
    `Cannot ${verb} ${name}: ${count}${lines.join("")}`,
    {
      details: { issues, ...(source === undefined ? {} : { source }) },
      ...(hint === undefined ? {} : { hint }),
      ...(cause === undefined ? {} : { cause }),
    },
  ) as SandboxError<C>;
}

function formatIssue(issue: PolicyIssue, source: string | undefined): string {
  const file = source === undefined ? "line " : `${source}:`;
  const place = issue.line === undefined ? "" : `${file}${issue.line}:${issue.column ?? 1} `;
  return `${place}${issue.path === "" ? "" : `${issue.path}: `}${issue.message}`;
}
