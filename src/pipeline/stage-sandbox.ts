/**
 * The options of a stage's sandbox: the pipeline's, its recipe's, its own.
 *
 * @module
 */
import type { PipelineDefinition, Stage, StageSandbox } from "./types.ts";

/** Puts them together; what is said nearer to the stage counts. */
export function stageSandbox(definition: PipelineDefinition, { recipe, sandbox }: Stage): StageSandbox {
  const { image, env, volumes } = recipe ?? {};
  const all = { ...env, ...sandbox?.env };
  return {
    ...definition.sandbox,
    ...(image?.name === undefined ? {} : { image: image.name }),
    ...(volumes === undefined || volumes.length === 0 ? {} : { volumes }),
    ...sandbox,
    ...(Object.keys(all).length === 0 ? {} : { env: { ...definition.sandbox?.env, ...all } }),
  };
}
