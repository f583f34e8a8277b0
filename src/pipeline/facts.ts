/**
 * What a sandbox decided, in short.
 *
 * @module
 */
import { type DecisionRecord, verifyAuditLog } from "../audit/mod.ts";
import type { Sandbox } from "../sandbox/running.ts";
import type { AttemptFacts, StageDenial } from "./result-types.ts";
import { scrubberOf } from "./scrubber.ts";

const DENIALS_MAX = 1000;

/** The part of an attempt's facts that its sandbox knows. */
export function sandboxFacts(
  sandbox: Sandbox,
): Pick<AttemptFacts, "sandbox" | "runtime" | "mode" | "kernel" | "decisions" | "denials"> {
  const decisions = sandbox.decisions();
  const count = (verdict: DecisionRecord["verdict"]) =>
    decisions.filter((each) => each.verdict === verdict).reduce((sum, each) => sum + (each.count ?? 1), 0);
  const { runtime, mode, kernel } = sandbox.enforcement;
  return {
    sandbox: sandbox.id,
    runtime,
    mode,
    kernel,
    decisions: { allowed: count("allow"), denied: count("deny"), asked: count("ask") },
    denials: denialsOf(decisions, scrubberOf(sandbox)),
  };
}

/** Each thing once, in the order in which it was first denied. */
function denialsOf(decisions: readonly DecisionRecord[], scrub: (text: string) => string): StageDenial[] {
  const denials = new Map<string, StageDenial>();
  for (const { verdict, domain, operation, object, ruleId, reason, subject, count = 1 } of decisions) {
    if (verdict !== "deny") continue;
    const program = subject?.binary;
    const key = JSON.stringify([operation, object, ruleId, program]);
    const before = denials.get(key);
    if (before === undefined && denials.size >= DENIALS_MAX) continue;
    denials.set(key, {
      domain,
      operation,
      object: scrub(object),
      ...(ruleId === undefined ? {} : { rule: ruleId }),
      reason: scrub(reason),
      ...(program === undefined ? {} : { program: scrub(program) }),
      count: (before?.count ?? 0) + count,
    });
  }
  return [...denials.values()];
}

/** The hash that an attempt's audit log ends with. */
export async function auditHead(path: string): Promise<string | undefined> {
  return verifyAuditLog(path).then(
    ({ head }) => head,
    () => undefined,
  );
}
