/**
 * The process half of a policy as numbers.
 *
 * @module
 */

import { assertEnforceable, type NormalizedPolicy } from "../../policy/mod.ts";
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

/** What may start, and with what resources. `readable`: whatever the filesystem plan lets a program read. */
export interface ProcessPlan {
  readonly kind: "readable";
  readonly limits: ProcessLimits;
}

/**
 * Plans what may start, and with what resources.
 *
 * @throws {SandboxError} POLICY_UNSUPPORTED If the process section asks for what this version cannot enforce.
 */
export function planProcess(policy: NormalizedPolicy): ProcessPlan {
  assertEnforceable(policy, { sections: ["process"] });
  return { kind: "readable", limits: processRules(policy).limits };
}
