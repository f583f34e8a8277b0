/**
 * What differs between two policies, as data.
 *
 * @module
 */
import type { PolicySectionName } from "../types.ts";

/** What a change does: lets something new happen, takes something away, or neither. */
export type PolicyChangeEffect = "widening" | "narrowing" | "neutral";

/** What became of a rule or a value. */
export type PolicyChangeKind = "added" | "removed" | "changed";

/** Everything that differs. */
export interface PolicyDiff {
  /** That of all changes together: `widening` if any is, else `narrowing` if any is. */
  readonly effect: PolicyChangeEffect;
  /** Whether a running sandbox can be given the new policy. */
  readonly live: boolean;
  /** In the order of a policy. */
  readonly changes: readonly PolicyDifference[];
}

/** One thing that differs. */
export interface PolicyDifference {
  /** `policy`: what is in no section. */
  readonly section: PolicySectionName | "policy";
  readonly kind: PolicyChangeKind;
  /** Its place in the new policy, or in the old one if it was removed: `network.allow[0]`, `process.limits.memoryBytes`. */
  readonly path: string;
  /** The rule's. Absent for a value. */
  readonly ruleId?: string;
  /** As it was. */
  readonly before?: unknown;
  /** As it is now. */
  readonly after?: unknown;
  readonly effect: PolicyChangeEffect;
  /**
   * Whether `sandbox.setPolicy` does it in a running sandbox. What narrows files or programs holds for what starts from then
   * on, and needs `{ running: "kill" }` while commands run.
   */
  readonly live: boolean;
  /** Why, as a sentence without a final period. */
  readonly because: string;
}
