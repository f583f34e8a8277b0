/**
 * What outlives sandboxes on an engine, by the engine's connection.
 *
 * @module
 */
import Docker from "dockerode";
import type { LeftoverReport } from "../leftovers.ts";
import type { VolumeFacts } from "../runtime.ts";
import { cleanEngine } from "./clean.ts";
import { answered, failureOf } from "./failures.ts";
import type { DockerOptions } from "./options.ts";
import { listVolumes, removeVolume } from "./volumes.ts";

/** The volumes on an engine. */
export function listEngineVolumes(options: DockerOptions): Promise<VolumeFacts[]> {
  return ask(options, listVolumes);
}

/** Removes a volume. Whether there was one. */
export function removeEngineVolume(options: DockerOptions, name: string): Promise<boolean> {
  return ask(options, (docker) => removeVolume(docker, name));
}

/** Removes what dead owners left on an engine. */
export function cleanEngineOf(options: DockerOptions, dryRun: boolean): Promise<LeftoverReport> {
  return ask(options, (docker) => cleanEngine(docker, dryRun));
}

async function ask<T>(
  { image: _, ociRuntime: __, ...connection }: DockerOptions,
  question: (docker: Docker) => Promise<T>,
) {
  try {
    return await answered(question(new Docker(connection)));
  } catch (error) {
    throw failureOf("state", error);
  }
}
