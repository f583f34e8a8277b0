/**
 * The process half of a policy as rules and numbers.
 *
 * @module
 */

import { type NormalizedPolicy, type Places, type ProgramTable, programTable } from "../../policy/core.ts";
import { processRules } from "./policy.ts";

/** What all processes of a sandbox may use together, and how long each command may run. Absent: no limit. */
export interface ProcessLimits {
  readonly memoryBytes?: number;
  /** Processors; fractions allowed. */
  readonly cpus?: number;
  /** Processes and threads that exist at one time. */
  readonly pids?: number;
  readonly timeoutMs?: number;
  /** `enforce`: refuse to start where a limit cannot be held exactly. */
  readonly mode: "enforce" | "best-effort";
}

/** What may start, and with what resources. */
export interface ProcessPlan extends ProgramTable {
  /** `readable`: whatever may be read; there are no rules. `rules`: what the rules say of what may be read. */
  readonly kind: "readable" | "rules";
  readonly limits: ProcessLimits;
}

/** Plans what may start, and with what resources. Binaries in the workspace and the home get their absolute paths. */
export function planProcess(policy: NormalizedPolicy, context: Places): ProcessPlan {
  const table = programTable(policy, context);
  const decided = table.allowList || table.rules.length > 0;
  return { kind: decided ? "rules" : "readable", ...table, limits: processRules(policy).limits };
}
