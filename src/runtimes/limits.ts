/**
 * Limits without a control group: what rlimits can do, which is each process by itself.
 *
 * @module
 */
import type { ProcessLimits } from "../domains/process/mod.ts";
import type { WardenLimits } from "./runtime.ts";

/** No limit that the warden would have to set. */
export const NO_WARDEN_LIMITS: WardenLimits = { dataBytes: 0, processes: 0, cpus: 0 };

/** Whether the policy limits memory, processes or processors. A timeout needs no help of the kernel's. */
export function needsGroup(limits: ProcessLimits): boolean {
  return limits.memoryBytes !== undefined || limits.pids !== undefined || limits.cpus !== undefined;
}

/** The nearest that setrlimit(2) and sched_setaffinity(2) come: data of each process, processes of the user, whole CPUs. */
export function wardenLimits(limits: ProcessLimits): WardenLimits {
  return {
    dataBytes: limits.memoryBytes ?? 0,
    processes: limits.pids ?? 0,
    cpus: limits.cpus === undefined ? 0 : Math.max(1, Math.ceil(limits.cpus)),
  };
}
