/**
 * Matchers for `expect.extend`, of vitest and of what is compatible with it.
 *
 * @module
 */
import { unseen } from "./assertions.ts";
import { type Claim, decidedClaim, startedClaim } from "./claims.ts";
import type { DecisionFilter, StartFilter } from "./filter.ts";
import type { DecisionSource } from "./recorded.ts";

/** What the matchers of {@link sandboxMatchers} are called with: for the types of `expect`. */
export interface SandboxMatchers<R = unknown> {
  /** Something was denied. */
  toHaveDenied(filter: DecisionFilter): R;
  /** Something was allowed. Of files that is recorded with `audit: { files: "all" }`. */
  toHaveAllowed(filter: DecisionFilter): R;
  /** A program was started, by the host or by another program. */
  toHaveStarted(filter: StartFilter): R;
}

/** What a matcher answers. */
export interface MatcherResult {
  readonly pass: boolean;
  message(): string;
}

/** What a matcher is called on. */
export interface MatcherState {
  readonly isNot?: boolean;
}

/** A matcher as `expect.extend` takes it. */
export type Matcher<F> = (this: MatcherState, source: DecisionSource, filter: F) => MatcherResult;

/**
 * The matchers. What cannot be seen under the policy fails with and without `not`.
 *
 * @example
 * ```ts
 * import { sandboxMatchers } from "cofferdam/testing";
 * import { expect } from "vitest";
 *
 * expect.extend(sandboxMatchers);
 * ```
 */
export const sandboxMatchers: {
  readonly toHaveDenied: Matcher<DecisionFilter>;
  readonly toHaveAllowed: Matcher<DecisionFilter>;
  readonly toHaveStarted: Matcher<StartFilter>;
} = {
  toHaveDenied(source, filter) {
    return result(this, decidedClaim(source, filter, "deny"));
  },
  toHaveAllowed(source, filter) {
    return result(this, decidedClaim(source, filter, "allow"));
  },
  toHaveStarted(source, filter) {
    return result(this, startedClaim(source, filter));
  },
};

function result({ isNot = false }: MatcherState, { holds, blind, message }: Claim): MatcherResult {
  if (isNot && blind !== undefined) return { pass: true, message: () => unseen(blind) };
  return { pass: holds, message };
}
