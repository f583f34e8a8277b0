/**
 * The policy of a stage: what its author wrote, its inputs to read, and its outputs to write.
 *
 * @module
 */
import { compose, type Policy } from "../policy/mod.ts";
import { type ReadPolicy, readPolicy } from "../sandbox/read-policy.ts";
import { inputTargets } from "./inputs.ts";
import { plainPath } from "./paths.ts";
import { isStdout } from "./rules.ts";
import type { PipelineDefinition, Stage } from "./types.ts";

/** Reads and composes it. */
export async function stagePolicy(definition: PipelineDefinition, stage: Stage): Promise<ReadPolicy> {
  const write = [...outputGrants(definition, stage), ...(stage.scratch ?? []).map(grant)];
  return withGrants([stage.recipe?.policy, stage.policy], { read: inputTargets(definition, stage).map(grant), write });
}

/** The policy of a check: it reads what was made, and writes nothing. */
export async function checkPolicy(policy: Policy | string | undefined, paths: readonly string[]): Promise<ReadPolicy> {
  return withGrants([policy], { read: paths.map(grant), write: [] });
}

async function withGrants(
  policies: readonly (Policy | string | undefined)[],
  grants: { readonly read: readonly string[]; readonly write: readonly string[] },
): Promise<ReadPolicy> {
  const own: Policy[] = [];
  for (const policy of policies) if (policy !== undefined) own.push((await readPolicy(policy)).policy);
  const filesystem = {
    ...(grants.read.length > 0 ? { read: [...new Set(grants.read)] } : {}),
    ...(grants.write.length > 0 ? { write: [...new Set(grants.write)] } : {}),
  };
  return readPolicy(compose(...own, { version: 1, filesystem }));
}

/** A new file needs its folder: only there can it be made, and be replaced by a rename. */
function outputGrants(definition: PipelineDefinition, stage: Stage): string[] {
  const targets = new Set(inputTargets(definition, stage));
  return Object.values(stage.outputs ?? {}).flatMap((output) => {
    if (isStdout(output)) return [];
    const path = plainPath(output.path);
    if (output.kind !== "file" || targets.has(path)) return [grant(path)];
    return [grant(path.slice(0, path.lastIndexOf("/")))];
  });
}

function grant(path: string): string {
  const plain = plainPath(path);
  return plain === "." ? "." : `./${plain}`;
}
