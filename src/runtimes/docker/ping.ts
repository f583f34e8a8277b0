/**
 * Whether an engine answers.
 *
 * @module
 */
import Docker from "dockerode";
import { answered, unreachable } from "./failures.ts";
import type { DockerOptions } from "./options.ts";

/**
 * Asks the engine for a sign of life.
 *
 * @throws {SandboxError} RUNTIME_UNAVAILABLE If none comes.
 * @see {@link https://docs.docker.com/reference/api/engine/ | Docker Engine API}, `GET /_ping`
 */
export async function pingEngine({
  image: _image,
  ociRuntime: _ociRuntime,
  ...connection
}: DockerOptions): Promise<void> {
  try {
    await answered(new Docker(connection).ping());
  } catch (error) {
    throw unreachable(error);
  }
}
