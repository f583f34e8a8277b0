/**
 * The process domain's view of a policy.
 *
 * @module
 */

import type { NormalizedPolicy, NormalizedProcess } from "../../policy/core.ts";

/** What the process section says. */
export type ProcessRules = NormalizedProcess;

/** Reads the process section of a policy. */
export function processRules(policy: NormalizedPolicy): ProcessRules {
  return policy.process;
}
