/**
 * The inference half of a policy.
 *
 * @module
 */

import { assertEnforceable, type NormalizedPolicy } from "../../policy/mod.ts";

/** How the sandbox reaches models: `none` is not at all. */
export type InferencePlan = { readonly kind: "none" };

/**
 * Plans how the sandbox reaches models.
 *
 * @throws {SandboxError} POLICY_UNSUPPORTED If the policy has an inference section that grants anything.
 */
export function planInference(policy: NormalizedPolicy): InferencePlan {
  assertEnforceable(policy, { sections: ["inference"] });
  return { kind: "none" };
}
