/**
 * Programs: what may start, and with what resources.
 *
 * @module
 */

export { type ProcessLimits, type ProcessPlan, planProcess } from "./plan.ts";
export { type ProcessRules, processRules } from "./policy.ts";
