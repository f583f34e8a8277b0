/**
 * The Docker runtime: a sandbox is a container, and its link the engine's attach stream.
 *
 * @module
 */
import Docker from "dockerode";
import { ownerOfThisProcess } from "../owner.ts";
import type { Runtime } from "../runtime.ts";
import type { StartContext } from "./context.ts";
import { inspectEngine, isLocal } from "./engine.ts";
import { failureOf } from "./failures.ts";
import { sweepLeftovers } from "./leftovers.ts";
import { DEFAULT_IMAGE, type DockerRuntimeOptions } from "./options.ts";
import { startContainer, warmContainer } from "./start.ts";
import { openWardenVolume } from "./warden-volume.ts";

export { DEFAULT_IMAGE, type DockerOptions, type DockerRuntimeOptions } from "./options.ts";

/**
 * A runtime of containers on a Docker engine.
 *
 * What it learns about the engine it keeps, so one instance for many sandboxes is the fast way.
 */
export function dockerRuntime(options: DockerRuntimeOptions): Runtime {
  let context: Promise<StartContext> | undefined;
  const opened = (): Promise<StartContext> => {
    // A failure is not remembered: the engine may be up by the next time.
    context ??= openContext(options).catch((error: unknown) => {
      context = undefined;
      throw failureOf("engine", error);
    });
    return context;
  };
  return {
    name: "docker",
    start: async (request) => startContainer(await opened(), request),
    warm: async (request) => warmContainer(await opened(), request),
  };
}

async function openContext(options: DockerRuntimeOptions): Promise<StartContext> {
  const { image = DEFAULT_IMAGE, ociRuntime, ...connection } = options.docker ?? {};
  const docker = new Docker(connection);
  const engine = await inspectEngine(docker);
  // Beside everything else: what is left behind does not stand in the way.
  void sweepLeftovers(docker);
  const volume = await openWardenVolume(docker, await options.locateWarden(engine.architecture));
  return {
    docker,
    engine,
    volume,
    image,
    local: isLocal(connection),
    ociRuntime,
    owner: ownerOfThisProcess(),
    unconfirmed: new Set(),
    alive: new Set(),
    learnt: { withoutIpv6: true, unlinked: new Set() },
  };
}
