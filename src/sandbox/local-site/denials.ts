/**
 * What was denied lately, for the programs that were.
 *
 * @module
 */
import type { DecisionRecord } from "../../audit/mod.ts";

/** A denial. Arguments of programs, queries, headers and bodies are not in it. */
export interface DenialSummary {
  /** ISO 8601. */
  readonly time: string;
  readonly domain: string;
  readonly operation: string;
  readonly object: string;
  readonly binary?: string;
  readonly rule: string | null;
  readonly reason: string;
  /** The smallest change that would allow it, as a sentence. */
  readonly hint: string;
  /** How many equal ones this stands for. */
  readonly count?: number;
}

/** So many are shown. */
export const DENIALS_SHOWN = 50;

/** The newest first. What the host itself asked for is its own affair. */
export function recentDenials(records: readonly DecisionRecord[]): DenialSummary[] {
  return records
    .filter(({ verdict, subject }) => verdict === "deny" && subject !== undefined)
    .slice(-DENIALS_SHOWN)
    .reverse()
    .map((record) => {
      const { time, domain, operation, object, subject, ruleId, reason, count } = record;
      return {
        time,
        domain,
        operation,
        object,
        ...(subject?.binary === undefined ? {} : { binary: subject.binary }),
        rule: ruleId ?? null,
        reason,
        hint: hintOf(record),
        ...(count === undefined ? {} : { count }),
      };
    });
}

/** Who decided is who would have to change. */
function hintOf({ domain, operation, object, ruleId, decidedBy }: DecisionRecord): string {
  if (decidedBy.kind === "plugin") return `The plugin ${decidedBy.name} would have to allow it`;
  if (decidedBy.kind === "approver") return "Whoever was asked would have to allow it";
  if (ruleId !== undefined) return `The rule ${ruleId} of the policy would have to change`;
  const what = JSON.stringify(object);
  if (domain === "process") return `The policy needs ${what} in process.allow`;
  if (domain === "filesystem") {
    const list = ["read", "list"].includes(operation) ? "read" : "write";
    return `The policy needs a grant of ${what} in filesystem.${list}`;
  }
  if (operation === "request") return `A rule in network.allow has to mean the request ${what}`;
  return `The policy needs a rule in network.allow for ${what}: POST /requests asks for it`;
}
