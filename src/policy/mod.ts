/**
 * What may happen: the policy, read, checked, normalized and named.
 *
 * @module
 */
export { compose } from "./algebra/compose.ts";
export { diffPolicies } from "./algebra/diff.ts";
export { restrict } from "./algebra/restrict.ts";
export * from "./core.ts";
export { explain } from "./explain/explain.ts";
export type * from "./explain/types.ts";
export { loadPolicy } from "./load.ts";
export { type ParsePolicyOptions, parsePolicy } from "./parse.ts";
