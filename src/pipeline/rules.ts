/**
 * What must hold between the parts of a pipeline.
 *
 * @module
 */
import { isWithin, plainPath } from "./paths.ts";
import type { DefinitionIssue } from "./schema.ts";
import { stageSandbox } from "./stage-sandbox.ts";
import type {
  ArtifactInput,
  PathOutput,
  PipelineDefinition,
  ProjectInput,
  Stage,
  StageSandbox,
  StdoutOutput,
} from "./types.ts";

/** What stands against a definition that has the right shape. */
export function ruleIssues(definition: PipelineDefinition): DefinitionIssue[] {
  const issues: DefinitionIssue[] = [];
  for (const [name, stage] of Object.entries(definition.stages)) {
    const report = (where: string, message: string) => issues.push({ path: `stages.${name}.${where}`, message });
    needsIssues(definition, name, stage, report);
    outputIssues(stage, report);
    gateIssues(stage, report);
    rootIssues(definition, stage, report);
  }
  if (hasTwoRoots(definition.sandbox)) issues.push({ path: "sandbox.root", message: EITHER });
  return [...issues, ...releaseIssues(definition)];
}

type Report = (where: string, message: string) => void;

function needsIssues(definition: PipelineDefinition, name: string, stage: Stage, report: Report): void {
  const known = (other: string) => Object.hasOwn(definition.stages, other);
  for (const other of stage.needs ?? []) {
    if (other === name) report("needs", "a stage cannot need itself");
    else if (!known(other)) report("needs", `there is no stage "${other}"`);
  }
  for (const [index, input] of (stage.inputs ?? []).entries()) {
    if (!isArtifactInput(input)) continue;
    const output = known(input.stage) ? definition.stages[input.stage]?.outputs?.[input.output] : undefined;
    const where = `inputs.${index}`;
    if (output === undefined) report(where, `there is no output "${input.output}" of a stage "${input.stage}"`);
    else if (input.stage === name) report(where, "a stage cannot take its own output");
    else if (isStdout(output) && input.to === undefined) report(where, "what was printed needs a path: to");
  }
}

function outputIssues({ outputs = {}, inputs = [], scratch = [] }: Stage, report: Report): void {
  const paths: string[] = [];
  for (const [name, output] of Object.entries(outputs)) {
    if (isStdout(output)) continue;
    const path = plainPath(output.path);
    if (path === "." && output.kind === "file") report(`outputs.${name}`, "the workspace itself is no file");
    if (paths.some((other) => isWithin(path, other) || isWithin(other, path))) {
      report(`outputs.${name}`, `"${path}" overlaps with another output`);
    }
    paths.push(path);
    const isInput = inputs.some((input) => !isArtifactInput(input) && plainPath(targetOf(input)) === path);
    if (output.kind === "file" && !path.includes("/") && !isInput) {
      report(`outputs.${name}`, "a new file must lie in a folder, for that is what the stage may write");
    }
  }
  for (const path of scratch.map(plainPath)) {
    if (paths.some((output) => isWithin(output, path))) report("scratch", `"${path}" holds an output`);
  }
}

function gateIssues({ gate, outputs = {} }: Stage, report: Report): void {
  const { on = "diff", report: shown } = gate ?? {};
  const released = Object.values(outputs).some((output) => !isStdout(output) && output.release);
  if (released && gate === undefined) report("gate", "what is released needs a gate");
  if (gate === undefined) return;
  if (on === "report") {
    const output = shown === undefined ? undefined : outputs[shown];
    if (output === undefined) report("gate.report", "a report names an output of the stage");
    else if (!isStdout(output) && output.kind !== "file") report("gate.report", "a report is one file");
  } else if (shown !== undefined) report("gate.report", 'only with on: "report"');
  if (on === "report" && released) report("gate.on", "what is released is shown as a diff or a plan");
}

const EITHER = "either a root or an image";

function rootIssues(definition: PipelineDefinition, stage: Stage, report: Report): void {
  if (hasTwoRoots(stage.sandbox)) report("sandbox.root", EITHER);
  const { root, runtime } = stageSandbox(definition, stage);
  if (root !== undefined && runtime === "docker") report("sandbox.root", "a root is for the local runtime");
}

function hasTwoRoots({ root, image }: StageSandbox = {}): boolean {
  return root !== undefined && image !== undefined;
}

function releaseIssues({ stages }: PipelineDefinition): DefinitionIssue[] {
  const issues: DefinitionIssue[] = [];
  const taken: { readonly path: string; readonly stage: string }[] = [];
  for (const [stage, { outputs = {} }] of Object.entries(stages)) {
    for (const [name, output] of Object.entries(outputs)) {
      if (isStdout(output) || !output.release) continue;
      const path = plainPath(output.path);
      const other = taken.find((each) => isWithin(path, each.path) || isWithin(each.path, path));
      if (other !== undefined) {
        issues.push({ path: `stages.${stage}.outputs.${name}`, message: `the stage "${other.stage}" releases it too` });
      }
      taken.push({ path, stage });
    }
  }
  return issues;
}

/** Whether an input comes from a stage. */
export function isArtifactInput(input: string | ProjectInput | ArtifactInput): input is ArtifactInput {
  return typeof input !== "string" && "stage" in input;
}

/** Whether an output is what the command prints. */
export function isStdout(output: PathOutput | StdoutOutput): output is StdoutOutput {
  return "stdout" in output;
}

/** Where a stage has a file of the project. */
export function targetOf(input: string | ProjectInput): string {
  return typeof input === "string" ? input : (input.to ?? input.project);
}
