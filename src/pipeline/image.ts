/**
 * The image of a stage's sandbox, as the engine has it now: what runs is what is written down.
 *
 * @module
 */
import type { ImageFacts } from "./result-types.ts";
import type { StageSandbox } from "./types.ts";

/** Names it by its digest; undefined where the sandbox is no container. */
export async function pinnedImage(options: StageSandbox): Promise<ImageFacts | undefined> {
  const { runtime = "auto", image, docker } = options;
  const isDocker =
    runtime === "docker" || (runtime === "auto" && (image !== undefined || process.platform !== "linux"));
  if (!isDocker) return undefined;
  const { imageDigest } = await import("../runtimes/docker/image-digest.ts");
  return await imageDigest(image, docker ?? {});
}
