/**
 * What rules say about connections, as it is told and compared.
 *
 * @module
 */
import type { Decided } from "../hooks/mod.ts";
import type { ConnectionRuling } from "../policy/core.ts";

/** A connection that the policy denies by itself. */
export function deniedByPolicy(ruleId: string | undefined): Decided {
  const reason = ruleId === undefined ? "no rule of the policy allows it" : `rule ${ruleId} denies it`;
  return { verdict: "deny", decidedBy: { kind: "policy" }, reason, latencyMs: 0 };
}

/** What was allowed stays so where the policy allows it by itself, or still leaves it to whom it was left before. */
export function isKept(before: ConnectionRuling, now: ConnectionRuling): boolean {
  // Its bytes were never looked at, and now have to be.
  if (now.inspects && !before.inspects) return false;
  if (now.verdict === "allow") return true;
  return (
    now.verdict === before.verdict &&
    now.verdict === "ask" &&
    now.ruleId === before.ruleId &&
    now.defer === before.defer
  );
}
