/**
 * What one list of rules lets happen that another does not: the part that is the same for files, programs and connections.
 * Judged on the safe side.
 *
 * @module
 */
import { canonicalJson } from "./digest.ts";
import type { Unmatched, Verdict } from "./types.ts";

/** A rule of any domain. Two that differ in nothing but their ids mean the same. */
export interface ComparedRule {
  readonly verdict: Verdict;
  readonly ruleId: string;
  /** The hook that decides. */
  readonly defer?: string;
}

/** Two lists of rules of one domain, and what can be said of a pair of rules. */
export interface Comparison<R extends ComparedRule> {
  readonly before: readonly R[];
  readonly after: readonly R[];
  readonly unmatchedBefore: Unmatched | "allow";
  readonly unmatchedAfter: Unmatched | "allow";
  /** Whether one is about all that another is about, whatever they say. */
  readonly contains: (wide: R, narrow: R) => boolean;
  readonly mayMeet: (a: R, b: R) => boolean;
  /** Whether an ask of an unmatched operation is the same to the program as this rule. @default it is, for the approver's */
  readonly isUnmatchedAsk?: (rule: R) => boolean;
}

/** The rules that let something happen, and that no rule of before contains. */
export function newGrants<R extends ComparedRule>(comparison: Comparison<R>): readonly R[] {
  const { before, after, unmatchedBefore, contains, isUnmatchedAsk = asksApprover } = comparison;
  if (unmatchedBefore === "allow") return [];
  const kept = new Set(before.map(meaning));
  return after.filter((rule) => {
    if (rule.verdict === "deny" || (unmatchedBefore === "ask" && isUnmatchedAsk(rule))) return false;
    if (kept.has(meaning(rule))) return false;
    return !before.some((other) => isNoStricter(other, rule) && contains(other, rule));
  });
}

/** The denials and asks of before that after has nothing for. */
export function lostRestrictions<R extends ComparedRule>(comparison: Comparison<R>): readonly R[] {
  const { before, after, unmatchedAfter, contains, mayMeet } = comparison;
  return before.filter((rule) => {
    if (rule.verdict === "allow") return false;
    if (after.some((other) => isNoStricter(rule, other) && contains(other, rule))) return false;
    // Nothing is left there to be held back.
    const held = unmatchedAfter === "deny" || (unmatchedAfter === "ask" && asksApprover(rule));
    return !held || after.some((other) => other.verdict !== "deny" && mayMeet(other, rule));
  });
}

/**
 * Whether somebody else may be asked. Where several asks match, the first one's decider is. With more than one decider in
 * play the asks must be the same ones.
 */
export function hasOtherDeciders<R extends ComparedRule>(comparison: Comparison<R>): boolean {
  const { before, after, unmatchedBefore, unmatchedAfter } = comparison;
  const asks = (rules: readonly R[]) => rules.filter(({ verdict }) => verdict === "ask");
  const deciders = new Set([...asks(before), ...asks(after)].map(({ defer }) => defer));
  if (unmatchedBefore === "ask" || unmatchedAfter === "ask") deciders.add(undefined);
  const said = (rules: readonly R[]) => canonicalJson(asks(rules).map(meaning));
  return deciders.size > 1 && said(before) !== said(after);
}

/** Everything but the id. */
export function meaning({ ruleId: _, ...rest }: ComparedRule): string {
  return canonicalJson(rest);
}

/** Whether what `a` says is what `b` says, or allows more. */
function isNoStricter(a: ComparedRule, b: ComparedRule): boolean {
  if (a.verdict === "allow" || b.verdict === "deny") return true;
  return a.verdict === "ask" && b.verdict === "ask" && a.defer === b.defer;
}

function asksApprover(rule: ComparedRule): boolean {
  return rule.verdict === "ask" && rule.defer === undefined;
}
