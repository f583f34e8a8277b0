/**
 * The inference domain's view of a policy.
 *
 * @module
 */

import type { NormalizedInference, NormalizedPolicy } from "../../policy/core.ts";

/** What the inference section says. */
export type InferenceRules = NormalizedInference;

/** Reads the inference section of a policy. */
export function inferenceRules(policy: NormalizedPolicy): InferenceRules {
  return policy.inference;
}
