/**
 * What rules of privacy look for, checked before a policy is in force.
 *
 * @module
 */
import type { SandboxOptions } from "../options.ts";
import type { Plans } from "../plan-domains.ts";
import type { ReadPolicy } from "../read-policy.ts";

/** Checks it. @throws {SandboxError} POLICY_INVALID If an expression cannot be compiled, or a function is not there. */
export async function checkPatterns(
  { normalized }: ReadPolicy,
  { inference: plan }: Plans,
  { inference = {} }: Pick<SandboxOptions, "inference">,
): Promise<void> {
  if (plan.kind === "none" || plan.privacy.every(({ patterns }) => patterns === undefined)) return;
  const { assertPatterns } = await import("../../domains/inference/privacy/compile.ts");
  await assertPatterns(normalized, plan, inference.patterns ?? {});
}
