/**
 * Rules of privacy, made ready to look at calls.
 *
 * @module
 */

import type { NormalizedPolicy } from "../../../policy/core.ts";
import { type IssueDraft, placeIssues, policyError } from "../../../policy/issues.ts";
import { originOf } from "../../../policy/origin.ts";
import type { InferencePlan, PlannedPrivacy } from "../plan.ts";
import type { PrivacyRule } from "./guard.ts";
import { finderOf, type PatternTable } from "./own.ts";

/** Makes them ready. @throws {Error} If an expression or a function cannot be used. */
export function compilePrivacy(rules: readonly PlannedPrivacy[], functions: PatternTable): Promise<PrivacyRule[]> {
  return Promise.all(
    rules.map(async ({ patterns = [], ...rule }) => ({
      ...rule,
      finders: await Promise.all(patterns.map((pattern) => finderOf(pattern, functions))),
    })),
  );
}

/** Checks what only compiling tells. @throws {SandboxError} POLICY_INVALID If a pattern cannot be used. */
export async function assertPatterns(
  policy: NormalizedPolicy,
  plan: InferencePlan,
  functions: PatternTable,
): Promise<void> {
  const rules = plan.kind === "none" ? [] : plan.privacy;
  const issues = rules.flatMap(({ patterns = [] }, index) =>
    patterns.map(async (pattern, at): Promise<IssueDraft[]> => {
      const path = ["inference", "privacy", index, "patterns", at];
      const problem = (error: unknown) => (error instanceof Error ? error.message : String(error));
      return finderOf(pattern, functions).then(
        () => [],
        (error: unknown) => [{ path, message: `it cannot be used: ${problem(error)}` }],
      );
    }),
  );
  const found = (await Promise.all(issues)).flat();
  if (found.length === 0) return;
  const { source, locate } = originOf(policy) ?? {};
  throw policyError("POLICY_INVALID", placeIssues(found, locate), { source });
}
