/**
 * What a stage begins with.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { below, type Manifest, type ManifestEntry, moved, type OutputManifests, sorted } from "./manifest.ts";
import { plainPath } from "./paths.ts";
import { isArtifactInput, isStdout, targetOf } from "./rules.ts";
import type { PipelineDefinition, Stage } from "./types.ts";

/** The paths of the project that stages begin with. */
export function projectPaths({ stages }: PipelineDefinition): string[] {
  const inputs = Object.values(stages).flatMap((stage) => stage.inputs ?? []);
  const paths = inputs.flatMap((input) => {
    if (isArtifactInput(input)) return [];
    return [plainPath(typeof input === "string" ? input : input.project)];
  });
  return [...new Set(paths)].sort();
}

/** Where a stage has its inputs. */
export function inputTargets(definition: PipelineDefinition, stage: Stage): string[] {
  return (stage.inputs ?? []).map((input) => {
    if (!isArtifactInput(input)) return plainPath(targetOf(input));
    const output = definition.stages[input.stage]?.outputs?.[input.output];
    return plainPath(input.to ?? (output === undefined || isStdout(output) ? input.output : output.path));
  });
}

/**
 * The files of a stage's workspace.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If two inputs have something at one place.
 */
export function assembleInputs(
  definition: PipelineDefinition,
  stage: Stage,
  project: Manifest,
  outputsOf: (stage: string) => OutputManifests,
): Manifest {
  const targets = inputTargets(definition, stage);
  const entries = new Map<string, ManifestEntry>();
  for (const [index, input] of (stage.inputs ?? []).entries()) {
    const to = targets[index] ?? ".";
    const [from, found] = isArtifactInput(input)
      ? artifactAt(definition, input.stage, input.output, outputsOf)
      : projectAt(project, plainPath(typeof input === "string" ? input : input.project));
    for (const each of moved(found, from, to)) {
      const before = entries.get(each.path);
      const same = before !== undefined && before.kind === "folder" && each.kind === "folder";
      if (before !== undefined && !same) throw collision(each.path);
      if (each.path !== ".") entries.set(each.path, each);
    }
  }
  // Nothing is put behind a link.
  for (const path of entries.keys()) {
    for (let slash = path.indexOf("/"); slash > 0; slash = path.indexOf("/", slash + 1)) {
      const above = entries.get(path.slice(0, slash));
      if (above !== undefined && above.kind !== "folder") throw collision(above.path);
    }
  }
  return sorted(entries.values());
}

type Found = readonly [from: string, entries: Manifest];

function projectAt(project: Manifest, path: string): Found {
  return [path, below(project, path)];
}

function artifactAt(
  { stages }: PipelineDefinition,
  stage: string,
  name: string,
  outputsOf: (stage: string) => OutputManifests,
): Found {
  const output = stages[stage]?.outputs?.[name];
  const from = output === undefined || isStdout(output) ? "stdout" : plainPath(output.path);
  return [from, outputsOf(stage)[name] ?? []];
}

function collision(path: string): SandboxError<"ARGUMENT_INVALID"> {
  return new SandboxError("ARGUMENT_INVALID", `Cannot put together a stage's inputs: two of them have "${path}"`, {
    details: { argument: "inputs", value: path },
    hint: "Give one of them another place: to",
  });
}
