/**
 * From a value to a checked policy.
 *
 * @module
 */
import { type IssueDraft, type Locate, placeIssues, policyError } from "./issues.ts";
import { type Origin, rememberOrigin } from "./origin.ts";
import { crossFieldIssues } from "./rules.ts";
import { checkSchema } from "./schema-issues.ts";
import { snapshot } from "./snapshot.ts";
import type { Policy } from "./types.ts";

/** What {@link checkPolicy} returned: frozen, so checked once is checked for good. */
const checkedPolicies = new WeakSet<Policy>();

/** Where a value comes from, for errors. */
export interface CheckedFrom {
  readonly source?: string | undefined;
  readonly locate?: Locate | undefined;
}

/** Checks a policy that is no text: a frozen copy. One that this function returned is returned as it is. */
export function checkPolicy(input: unknown, from: CheckedFrom = {}): Policy {
  if (typeof input === "object" && input !== null && checkedPolicies.has(input as Policy)) return input as Policy;
  const issues: IssueDraft[] = [];
  const data = snapshot(input, issues);
  const checked = issues.length > 0 ? [] : checkSchema(data);
  if (!Array.isArray(checked)) {
    const crossed = crossFieldIssues(data);
    if (crossed.length > 0) throw invalidPolicy(crossed, from);
    checkedPolicies.add(checked.value);
    return rememberOrigin(checked.value, origin(from));
  }
  throw invalidPolicy([...issues, ...checked, ...crossFieldIssues(data)], from);
}

/** The error of a policy that is malformed. */
export function invalidPolicy(drafts: readonly IssueDraft[], { source, locate }: CheckedFrom): Error {
  const issues = placeIssues(drafts, locate);
  const misspelt = issues.find((issue) => issue.nearest !== undefined);
  const hint = misspelt === undefined ? undefined : `Write "${misspelt.nearest}" instead of ${misspelt.path}`;
  return policyError("POLICY_INVALID", issues, { source, hint });
}

function origin({ source, locate }: CheckedFrom): Origin {
  return { ...(source === undefined ? {} : { source }), ...(locate === undefined ? {} : { locate }) };
}
