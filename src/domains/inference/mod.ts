/**
 * Models: how the sandbox reaches them.
 *
 * @module
 */

export type { Provider, ProviderTable } from "../../policy/providers/read.ts";
export type { BudgetNotice } from "./budget/meter.ts";
export { type ModelPrice, PriceTable } from "./budget/prices.ts";
export { type InferencePlan, type PlannedPrivacy, planInference, type Route, type Target } from "./plan.ts";
export { type InferenceRules, inferenceRules } from "./policy.ts";
export type { PatternFunction, PatternPlaces, PatternTable } from "./privacy/own.ts";
export { ProviderConnections } from "./providers/connections.ts";
export type { CallRecord, JudgedCall } from "./router/call-types.ts";
export type { AnswerJudge } from "./router/hearing.ts";
