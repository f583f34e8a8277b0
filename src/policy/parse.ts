/**
 * From a text or a TypeScript value to a checked policy.
 *
 * @module
 */

import { type IssueDraft, type Locate, placeIssues, policyError } from "./issues.ts";
import { type Origin, rememberOrigin } from "./origin.ts";
import { crossFieldIssues } from "./rules.ts";
import { checkSchema } from "./schema-issues.ts";
import { snapshot } from "./snapshot.ts";
import type { Policy } from "./types.ts";
import { readYaml } from "./yaml.ts";

/** Options of {@link parsePolicy}. */
export interface ParsePolicyOptions {
  /** What the text is called in errors, for instance its file name. */
  readonly source?: string;
}

/** What `parsePolicy()` returned: frozen, so checked once is checked for good. */
const checkedPolicies = new WeakSet<Policy>();

/**
 * Checks a policy, and reads it first where it is YAML or JSON text.
 *
 * Shape: a frozen copy with the keys that were given; `normalizePolicy()` fills in the rest. A policy that this
 * function returned is returned as it is. A text has at most 1 MiB, 32 levels, one document of YAML 1.2, and neither
 * tags, merge keys nor duplicate keys.
 *
 * @throws {SandboxError} POLICY_INVALID If anything is wrong with it: one error with every issue, and for a text the line
 * and column of each.
 * @see {@link https://yaml.org/spec/1.2.2/ | YAML 1.2.2}
 *
 * @example
 * ```ts
 * import { parsePolicy } from "cofferdam";
 *
 * const policy = parsePolicy(`
 * version: 1
 * filesystem:
 *   read: [.]
 * `);
 * console.log(policy.filesystem?.read); // ["."]
 * ```
 */
export function parsePolicy(input: string | Policy, options: ParsePolicyOptions = {}): Policy {
  if (typeof input === "object" && input !== null && checkedPolicies.has(input)) return input;
  const { source } = options;
  const issues: IssueDraft[] = [];
  let data: unknown = input;
  let locate: Locate | undefined;
  if (typeof input === "string") {
    const read = readYaml(input);
    if (!read.ok) throw invalid(read.issues, { source });
    ({ value: data, locate } = read);
    if (typeof data !== "object" || data === null || Array.isArray(data)) {
      const message = "a policy is a map that starts with version: 1; loadPolicy() reads one from a file";
      throw invalid([{ path: [], message }], { source, locate });
    }
  }
  data = snapshot(data, issues);
  const checked = issues.length > 0 ? [] : checkSchema(data);
  if (!Array.isArray(checked)) {
    const crossed = crossFieldIssues(data);
    if (crossed.length > 0) throw invalid(crossed, { source, locate });
    checkedPolicies.add(checked.value);
    return rememberOrigin(checked.value, origin(source, locate));
  }
  throw invalid([...issues, ...checked, ...crossFieldIssues(data)], { source, locate });
}

function invalid(
  drafts: readonly IssueDraft[],
  { source, locate }: { readonly source: string | undefined; readonly locate?: Locate | undefined },
): Error {
  const issues = placeIssues(drafts, locate);
  const misspelt = issues.find((issue) => issue.nearest !== undefined);
  const hint = misspelt === undefined ? undefined : `Write "${misspelt.nearest}" instead of ${misspelt.path}`;
  return policyError("POLICY_INVALID", issues, { source, hint });
}

function origin(source: string | undefined, locate: Locate | undefined): Origin {
  return { ...(source === undefined ? {} : { source }), ...(locate === undefined ? {} : { locate }) };
}
