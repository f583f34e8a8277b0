/**
 * The inference half of a policy.
 *
 * @module
 */

import type { NormalizedPolicy } from "../../policy/mod.ts";

/** How the sandbox reaches models: `none` is not at all. */
export type InferencePlan = { readonly kind: "none" };

export declare function planInference(policy: NormalizedPolicy): InferencePlan;
