/**
 * What enforcing a policy takes: it is checked, normalized, named and evaluated. Nothing here reads a text, composes or
 * explains, for a sandbox must not wait for the code that does.
 *
 * @module
 */

export {
  addressKind,
  canonicalAddress,
  hostRange,
  isAddress,
  isListed,
  isRange,
  rangeMatcher,
  rangeProblem,
} from "./addresses.ts";
export { BASELINE } from "./baseline.ts";
export { checkPolicy } from "./check.ts";
export {
  type ConnectionAttempt,
  type ConnectionRule,
  type ConnectionRuling,
  type ConnectionTable,
  connectionTable,
  credentialMatcher,
  evaluateConnection,
  evaluateRequest,
  INFERENCE_HOST,
  LOCAL_HOST,
  mayCallTool,
  type RequestNeeds,
  requestNeeds,
} from "./connections.ts";
export { CREDENTIAL_PROFILES, type CredentialProfile } from "./credentials/profiles.ts";
export { policyDigest } from "./digest.ts";
export {
  evaluatePath,
  evaluateProgram,
  globCovers,
  type PathAction,
  type ProgramStart,
  type Ruling,
} from "./evaluate.ts";
export {
  compileGlob,
  escapeGlob,
  type GlobMatcher,
  type GlobSeparator,
  isLiteral,
  matchGlob,
  unescapeGlob,
} from "./glob.ts";
export type { HttpFacts, HttpRuling } from "./http/mod.ts";
export type { DocumentPath } from "./issues.ts";
export { type Change, comparePolicies, type PolicyChange } from "./narrowing.ts";
export { normalizePolicy } from "./normalize.ts";
export type * from "./normalized.ts";
export {
  absolutePattern,
  grantProblem,
  HOME_PATH,
  isOwnPlace,
  isWithin,
  literalPrefix,
  type Places,
  WORKSPACE_PATH,
} from "./paths.ts";
export { type AssertEnforceableOptions, assertEnforceable, type PolicySection } from "./support.ts";
export {
  type PathRule,
  type PathTable,
  type ProgramRule,
  type ProgramTable,
  pathTable,
  programTable,
} from "./tables.ts";
export type * from "./types.ts";
export { parseBytes, parseDuration } from "./units.ts";
