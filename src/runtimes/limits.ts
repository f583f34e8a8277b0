/**
 * Limits without a control group: what rlimits can do, which is each process by itself.
 *
 * @module
 */
import type { ProcessLimits } from "../domains/process/mod.ts";
import type { WardenLimits } from "./runtime.ts";

/** Processes that the limit of a policy does not count: the threads of the warden, and a shepherd for each running command. */
export const WARDEN_PROCESSES = 48;

/** The most processes of a sandbox whose policy sets no limit: a fork bomb must not reach the host. */
export const DEFAULT_PROCESSES = 4096;

/** What the warden limits when nothing needs limiting. */
export const DEFAULT_WARDEN_LIMITS: WardenLimits = { dataBytes: 0, processes: DEFAULT_PROCESSES, cpus: 0 };

/** Whether the policy limits memory, processes or processors. A timeout needs no help of the kernel's. */
export function needsGroup(limits: ProcessLimits): boolean {
  return limits.memoryBytes !== undefined || limits.pids !== undefined || limits.cpus !== undefined;
}

/** The nearest that setrlimit(2) and sched_setaffinity(2) come: data of each process, processes of the user, whole CPUs. */
export function wardenLimits(limits: ProcessLimits): WardenLimits {
  return {
    dataBytes: limits.memoryBytes ?? 0,
    processes: limits.pids === undefined ? DEFAULT_PROCESSES : limits.pids + WARDEN_PROCESSES,
    cpus: limits.cpus === undefined ? 0 : Math.max(1, Math.ceil(limits.cpus)),
  };
}
