/**
 * From a ruling of the engine to an answer for people.
 *
 * @module
 */
import type { Ruling } from "../evaluate.ts";
import type { Verdict } from "../types.ts";
import type { Answer, Considered } from "./types.ts";

/** What decides where no rule does. */
export type Nothing = Pick<Answer, "section" | "decidedBy" | "reason">;

/** Where no rule of a section matches. */
export function unmatched(section: Answer["section"], verdict: Verdict): Nothing {
  const what = verdict === "ask" ? "what no rule matches is asked about" : "what no rule allows is denied";
  return { section, decidedBy: "unmatched", reason: `no rule of ${section} decides: ${what}` };
}

/** Puts an answer together. */
export function answer({ verdict, ruleId, defer }: Ruling, rules: readonly Considered[], nothing: Nothing): Answer {
  const { section } = nothing;
  if (ruleId === undefined) return { verdict, ...nothing, rules };
  const decidedBy = ruleId.startsWith("baseline:") ? "baseline" : "rule";
  const reason = reasonOf(verdict, ruleId, defer);
  return { verdict, decidedBy, section, ruleId, ...(defer === undefined ? {} : { defer }), reason, rules };
}

/** Of two answers that must both allow, the stricter; the first, if neither is. Both looked at their rules. */
export function stricter(first: Answer, second: Answer): Answer {
  const strict = RANK[second.verdict] < RANK[first.verdict] ? second : first;
  const others = second.rules.filter(({ ruleId }) => !first.rules.some((rule) => rule.ruleId === ruleId));
  return { ...strict, rules: [...first.rules, ...others] };
}

const RANK = { deny: 0, ask: 1, allow: 2 } as const;

function reasonOf(verdict: Verdict, ruleId: string, defer: string | undefined): string {
  if (verdict === "ask")
    return defer === undefined ? `${ruleId} asks the approver` : `${ruleId} leaves it to the hook ${defer}`;
  if (verdict === "deny") return `${ruleId} denies it`;
  return ruleId.startsWith("baseline:") ? `${ruleId} allows it: programs need it to run` : `${ruleId} allows it`;
}
