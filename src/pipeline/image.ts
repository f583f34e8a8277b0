/**
 * What a stage's sandbox has its programs from: what runs is what is written down.
 *
 * @module
 */
import { resolve } from "node:path";
import { automaticRuntime } from "../sandbox/choose-runtime.ts";
import type { Sandbox } from "../sandbox/running.ts";
import type { ImageFacts, ProgramFacts } from "./result-types.ts";
import type { StageSandbox } from "./types.ts";

/** The image as the engine has it now, named by its digest; undefined where the sandbox is no container. */
export async function pinnedImage(options: StageSandbox): Promise<ImageFacts | undefined> {
  const { runtime = "auto", image, docker } = options;
  if ((runtime === "auto" ? automaticRuntime(options) : runtime) !== "docker") return undefined;
  const { imageDigest } = await import("../runtimes/docker/image-digest.ts");
  return await imageDigest(image, docker ?? {});
}

/** What a sandbox with these options really runs from. */
export function programFacts({ root }: StageSandbox, image: ImageFacts | undefined, sandbox: Sandbox): ProgramFacts {
  if (root === undefined) return image === undefined ? {} : { image };
  const { imageId: id } = sandbox.enforcement;
  return { root: { name: root, path: resolve(root), ...(id === undefined ? {} : { id }) } };
}
