/**
 * The options of a stage's sandbox: the pipeline's, its recipe's, its own.
 *
 * @module
 */
import type { PipelineDefinition, Stage, StageSandbox } from "./types.ts";

/** Puts them together; what is said nearer to the stage counts. */
export function stageSandbox(definition: PipelineDefinition, { recipe, sandbox }: Stage): StageSandbox {
  const { image: built, env, volumes } = recipe ?? {};
  const all = { ...env, ...sandbox?.env };
  const { image: _, root: __, ...options } = { ...definition.sandbox, ...sandbox };
  return {
    ...options,
    ...(volumes === undefined || volumes.length === 0 || sandbox?.volumes !== undefined ? {} : { volumes }),
    ...programsOf([definition.sandbox, built?.name === undefined ? undefined : { image: built.name }, sandbox]),
    ...(Object.keys(all).length === 0 ? {} : { env: { ...definition.sandbox?.env, ...all } }),
  };
}

type Programs = Pick<StageSandbox, "image" | "root">;

/** An image takes the place of a root that is said further away, and the other way round. */
function programsOf(said: readonly (Programs | undefined)[]): Programs {
  const { image, root } = said.findLast((each) => each?.image !== undefined || each?.root !== undefined) ?? {};
  return { ...(image === undefined ? {} : { image }), ...(root === undefined ? {} : { root }) };
}
