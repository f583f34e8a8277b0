/**
 * Connections: how the sandbox reaches the network.
 *
 * @module
 */

export { type NetworkPlan, planNetwork } from "./plan.ts";
export { type NetworkRules, networkRules } from "./policy.ts";
