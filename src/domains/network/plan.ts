/**
 * The network half of a policy.
 *
 * @module
 */

import { assertEnforceable, type NormalizedPolicy } from "../../policy/mod.ts";

/** How the sandbox reaches the network: `none` is its own loopback and nothing else. */
export type NetworkPlan = { readonly kind: "none" };

/**
 * Plans how the sandbox reaches the network.
 *
 * @throws {SandboxError} POLICY_UNSUPPORTED If the policy has network rules or credentials, which this version cannot enforce.
 */
export function planNetwork(policy: NormalizedPolicy): NetworkPlan {
  assertEnforceable(policy, { sections: ["network", "credentials"] });
  return { kind: "none" };
}
