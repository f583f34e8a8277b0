/**
 * HTTP requests: their one form, and what rules say about them.
 *
 * @module
 */
export { ACCESS_RULES } from "./access.ts";
export { evaluateHttp, type HttpFacts, type HttpRuling, type RequestRule } from "./evaluate.ts";
export { type RequestTarget, readTarget, type TargetProblem } from "./target.ts";
