/**
 * The network half of a policy as a table.
 *
 * @module
 */

import { type ConnectionTable, connectionTable, type NormalizedPolicy, type Places } from "../../policy/core.ts";
import { networkRules } from "./policy.ts";

/**
 * How the sandbox reaches the network. `none`: it has its own loopback and nothing else. `rules`: connections are decided by
 * the table, and made by the host.
 */
export interface NetworkPlan extends ConnectionTable {
  readonly kind: "none" | "rules";
}

/** Plans how the sandbox reaches the network. */
export function planNetwork(policy: NormalizedPolicy, places: Places): NetworkPlan {
  const { allow, ask, deny, unmatched } = networkRules(policy);
  const decided = allow.length + ask.length + deny.length > 0 || unmatched === "ask";
  return { kind: decided ? "rules" : "none", ...connectionTable(policy, places) };
}
