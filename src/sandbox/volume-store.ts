/**
 * Volumes, outside of any sandbox.
 *
 * @module
 */
import process from "node:process";
import type { DockerOptions } from "../runtimes/docker/mod.ts";
import { listVolumes as listLocal, removeVolume as removeLocal } from "../runtimes/local/volumes.ts";
import type { VolumeFacts } from "../runtimes/runtime.ts";
import { hostWarden } from "./choose-runtime.ts";
import { volumeName } from "./volumes.ts";

/** Where state is looked for. */
export interface StateOptions {
  /** @default "local" on Linux, else "docker" */
  readonly runtime?: "local" | "docker";
  /** How to reach the engine, for `docker`. */
  readonly docker?: DockerOptions;
}

/**
 * The volumes that exist: this user's on this host, or those of an engine.
 *
 * @throws {SandboxError} STATE_UNUSABLE If the folder that keeps them cannot be used.
 * @throws {SandboxError} RUNTIME_UNAVAILABLE If no engine answers.
 *
 * @example
 * ```ts
 * import { listVolumes } from "cofferdam";
 *
 * for (const { name, createdAt, inUse } of await listVolumes()) console.log(name, createdAt, inUse);
 * ```
 */
export async function listVolumes(options: StateOptions = {}): Promise<readonly VolumeFacts[]> {
  if (runtimeOf(options) === "local") return listLocal();
  const { listEngineVolumes } = await import("../runtimes/docker/state.ts");
  return listEngineVolumes(options.docker ?? {});
}

/**
 * Removes a volume with everything in it, for good. Whether there was one.
 *
 * @throws {SandboxError} VOLUME_BUSY If a sandbox has it.
 * @throws {SandboxError} ARGUMENT_INVALID If it is no name of a volume.
 * @throws {SandboxError} RUNTIME_UNAVAILABLE If no engine answers.
 *
 * @example
 * ```ts
 * import { removeVolume } from "cofferdam";
 *
 * if (await removeVolume("old-memory")) console.log("gone");
 * ```
 */
export async function removeVolume(name: string, options: StateOptions = {}): Promise<boolean> {
  const checked = volumeName("name", name);
  if (runtimeOf(options) === "local") return removeLocal(checked, (await hostWarden()).path);
  const { removeEngineVolume } = await import("../runtimes/docker/state.ts");
  return removeEngineVolume(options.docker ?? {}, checked);
}

/** The runtime whose state is meant. */
export function runtimeOf({ runtime }: StateOptions): "local" | "docker" {
  return runtime ?? (process.platform === "linux" ? "local" : "docker");
}
