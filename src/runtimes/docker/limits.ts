/**
 * The limits of a policy as limits of a container.
 *
 * @module
 */
import type { ProcessLimits } from "../../domains/process/plan.ts";
import { SandboxError } from "../../errors.ts";
import { DEFAULT_PROCESSES, WARDEN_PROCESSES } from "../limits.ts";
import type { LimitsHolder, WardenLimits } from "../runtime.ts";
import type { Engine } from "./engine.ts";

/** Limits, and who holds them. */
export interface ContainerLimits {
  readonly memoryBytes: number | undefined;
  readonly nanoCpus: number | undefined;
  readonly processes: number;
  readonly holder: LimitsHolder;
  readonly warden: WardenLimits;
  readonly notes: readonly string[];
}

/**
 * What the engine's cgroups hold of the limits; with `best-effort`, the warden gets the rest.
 *
 * @throws {SandboxError} ENFORCEMENT_MISSING If the engine cannot hold a limit that must be held.
 */
export function limitsFor(limits: ProcessLimits, engine: Engine): ContainerLimits {
  const { memoryBytes, cpus, pids, mode } = limits;
  const missing = [
    ...(memoryBytes !== undefined && !engine.holds.memory ? ["memory"] : []),
    ...(cpus !== undefined && !engine.holds.cpus ? ["cpus"] : []),
    ...(pids !== undefined && !engine.holds.pids ? ["pids"] : []),
  ];
  if (missing.length > 0 && mode === "enforce") {
    throw new SandboxError("ENFORCEMENT_MISSING", `The Docker engine cannot hold a limit on ${missing.join(", ")}`, {
      details: { feature: `cgroup limits: ${missing.join(", ")}` },
      hint: "Turn the controllers on for the engine (rootless Docker needs cgroup v2 with delegation), or set `limits.mode: best-effort`.",
    });
  }
  const held = (name: string): boolean => !missing.includes(name);
  const asked = memoryBytes !== undefined || cpus !== undefined || pids !== undefined;
  return {
    memoryBytes: held("memory") ? memoryBytes : undefined,
    // The engine refuses more processors than it has, which is no limit anyway.
    nanoCpus: cpus !== undefined && held("cpus") ? Math.round(Math.min(cpus, engine.cpus) * 1e9) : undefined,
    processes: pids === undefined ? DEFAULT_PROCESSES : pids + WARDEN_PROCESSES,
    holder: missing.length > 0 ? "rlimit" : asked ? "cgroup" : "none",
    warden: {
      dataBytes: held("memory") ? 0 : (memoryBytes ?? 0),
      processes: held("pids") || pids === undefined ? 0 : pids + WARDEN_PROCESSES,
      cpus: held("cpus") ? 0 : Math.ceil(cpus ?? 0),
    },
    notes: [
      ...(missing.length > 0
        ? [`limits on ${missing.join(", ")} are approximated: this engine has no cgroup for them`]
        : []),
      ...(memoryBytes !== undefined && engine.holds.memory && !engine.holds.swap
        ? ["the memory limit does not cover swap: this engine cannot limit it"]
        : []),
    ],
  };
}
