/**
 * What an image's name means now.
 *
 * @module
 */
import Docker from "dockerode";
import { inspectImage } from "./engine.ts";
import { DEFAULT_IMAGE, type DockerOptions } from "./options.ts";

/**
 * Asks the engine. `id` names this very image, whatever its tag is moved to meanwhile.
 *
 * @throws {SandboxError} IMAGE_MISSING If the engine does not have it.
 * @throws {SandboxError} RUNTIME_UNAVAILABLE If the engine does not answer.
 */
export async function imageDigest(
  image: string | undefined,
  { image: otherwise = DEFAULT_IMAGE, ociRuntime: _, ...connection }: DockerOptions,
): Promise<{ readonly name: string; readonly id: string }> {
  const name = image ?? otherwise;
  return { name, id: (await inspectImage(new Docker(connection), name)).id };
}
