/**
 * Images for sandboxes, built on an engine.
 *
 * @module
 */
import type { BuiltImage, ImageBuildOptions, ImageSource } from "../runtimes/docker/build-image.ts";

/**
 * Builds an image from a folder with a Dockerfile, unless the engine has one of the same content already.
 *
 * Shape: the result's `name` is for the option `image`; it is made from the content of the context, the Dockerfile and the
 * arguments. The image that `FROM` names is not looked at again: remove the built one when that has changed. **No policy
 * holds the build**: what a Dockerfile runs, it runs in a container of the engine, with the engine's network.
 *
 * @throws {SandboxError} IMAGE_BUILD_FAILED If the context cannot be read, or the build fails; `details.output` is its end.
 * @throws {SandboxError} RUNTIME_UNAVAILABLE If no engine answers.
 * @throws {SandboxError} ABORTED If `options.signal` is aborted.
 * @see {@link https://docs.docker.com/reference/api/engine/ | Docker Engine API}, `POST /build`
 *
 * @example
 * ```ts
 * import { buildImage, createSandbox } from "cofferdam";
 *
 * const { name } = await buildImage({ context: "./agent" });
 * await using sandbox = await createSandbox({ version: 1 }, { image: name });
 * ```
 */
export async function buildImage(source: ImageSource, options: ImageBuildOptions = {}): Promise<BuiltImage> {
  const { buildOnEngine } = await import("../runtimes/docker/build-image.ts");
  return buildOnEngine(source, options);
}
