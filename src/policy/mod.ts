/**
 * What may happen: the policy, read, checked, normalized and named.
 *
 * @module
 */

export { BASELINE } from "./baseline.ts";
export { policyDigest } from "./digest.ts";
export {
  compileGlob,
  escapeGlob,
  type GlobMatcher,
  type GlobSeparator,
  isLiteral,
  matchGlob,
  unescapeGlob,
} from "./glob.ts";
export { loadPolicy } from "./load.ts";
export { normalizePolicy } from "./normalize.ts";
export type * from "./normalized.ts";
export { type ParsePolicyOptions, parsePolicy } from "./parse.ts";
export {
  absolutePattern,
  grantProblem,
  HOME_PATH,
  isWithin,
  type Places,
  WARDEN_PATH,
  WORKSPACE_PATH,
} from "./paths.ts";
export { type AssertEnforceableOptions, assertEnforceable, type PolicySection } from "./support.ts";
export type * from "./types.ts";
export { parseBytes, parseDuration } from "./units.ts";
