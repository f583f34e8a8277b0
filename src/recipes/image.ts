/**
 * The image of a recipe, on an engine.
 *
 * @module
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ImageBuildOptions } from "../runtimes/docker/build-image.ts";
import { buildImage } from "../sandbox/build-image.ts";
import { dockerfileOf } from "./dockerfile.ts";
import type { RecipeImage } from "./types.ts";

/**
 * The name of an image of a recipe; what has to be built is, outside of any policy.
 *
 * @throws {SandboxError} As `buildImage` does.
 */
export async function nameOfImage(image: RecipeImage, options: ImageBuildOptions = {}): Promise<string | undefined> {
  const text = dockerfileOf(image);
  if (text === undefined) return image.name;
  const context = await mkdtemp(join(tmpdir(), "cofferdam-recipe-"));
  try {
    await writeFile(join(context, "Dockerfile"), text);
    return (await buildImage({ context }, options)).name;
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}
