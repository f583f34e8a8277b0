/**
 * Models: how the sandbox reaches them.
 *
 * @module
 */

export { type InferencePlan, planInference } from "./plan.ts";
export { type InferenceRules, inferenceRules } from "./policy.ts";
