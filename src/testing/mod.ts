/**
 * Testing with sandboxes: fixtures, matchers and assertions. It imports no test framework.
 *
 * @module
 */
export {
  assertAllowed,
  assertDenied,
  assertNotAllowed,
  assertNotDenied,
  assertNotStarted,
  assertStarted,
} from "./assertions.ts";
export type { DecisionFilter, StartFilter } from "./filter.ts";
export { type PoolFixtures, poolFixtures, type SandboxFixtures, sandboxFixtures, type Use } from "./fixtures.ts";
export {
  type Matcher,
  type MatcherResult,
  type MatcherState,
  type SandboxMatchers,
  sandboxMatchers,
} from "./matchers.ts";
export { type DecisionSource, type RecordedDecisions, recordDecisions } from "./recorded.ts";
export { decisionLine } from "./words.ts";
