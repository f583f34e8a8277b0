/**
 * HTTP requests: their one form, and what rules say about them.
 *
 * @module
 */
export { ACCESS_RULES } from "./access.ts";
export { type ConnectionRules, evaluateHttp, type HttpFacts, type HttpRuling, judgesHttp } from "./evaluate.ts";
export { type RequestTarget, readTarget, type TargetProblem } from "./target.ts";
