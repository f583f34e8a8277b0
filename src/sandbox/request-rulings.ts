/**
 * What the policy says about requests, as it is recorded and told.
 *
 * @module
 */
import type { Decided } from "../hooks/mod.ts";
import type { HttpFacts, HttpRuling } from "../policy/core.ts";
import { contentProblem } from "./request-calls.ts";

/** What was allowed under another policy stays so where the one in force allows it, or still leaves it to the same. */
export function stillAllowed(asked: Decided, before: HttpRuling, now: HttpRuling, facts: HttpFacts): Decided {
  if (asked.verdict === "deny" || isStillAllowed(before, now)) return asked;
  return byPolicy("deny", `the policy was changed meanwhile: ${deniedReason(now.ruleId, facts)}`);
}

/** Whether what was allowed still is. */
export function isStillAllowed(before: HttpRuling, now: HttpRuling): boolean {
  const isSame = now.ruleId === before.ruleId && now.defer === before.defer;
  return now.verdict === "allow" || (now.verdict === "ask" && before.verdict === "ask" && isSame);
}

/** Why a request is denied: the rule, and what of it cannot be judged. */
export function deniedReason(ruleId: string | undefined, { content }: HttpFacts): string {
  const problem = contentProblem(content);
  const why = problem === undefined ? "" : `: ${problem}`;
  return ruleId === undefined
    ? `no rule of the policy allows the request${why}`
    : `rule ${ruleId} denies the request${why}`;
}

/** A decision of the policy by itself. */
export function byPolicy(verdict: "allow" | "deny", reason: string): Decided {
  return { verdict, decidedBy: { kind: "policy" }, reason, latencyMs: 0 };
}
