/**
 * The network half of a policy.
 *
 * @module
 */

import type { NormalizedPolicy } from "../../policy/mod.ts";

/** How the sandbox reaches the network: `none` is its own loopback and nothing else. */
export type NetworkPlan = { readonly kind: "none" };

export declare function planNetwork(policy: NormalizedPolicy): NetworkPlan;
