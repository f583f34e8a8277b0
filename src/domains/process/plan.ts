/**
 * The process half of a policy as numbers.
 *
 * @module
 */

import type { NormalizedPolicy } from "../../policy/mod.ts";

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

export declare function planProcess(policy: NormalizedPolicy): ProcessPlan;
