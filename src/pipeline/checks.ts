/**
 * What must hold of a stage's outputs.
 *
 * @module
 */
import { createSandbox } from "../sandbox.ts";
import { StageFailure, stageFailure } from "./failure.ts";
import { pinnedImage, programFacts } from "./image.ts";
import { type Manifest, type OutputManifests, sorted } from "./manifest.ts";
import { StoredOutputs } from "./outputs.ts";
import { plainPath } from "./paths.ts";
import type { CheckFacts, ProgramFacts } from "./result-types.ts";
import { isStdout } from "./rules.ts";
import { type Ran, runCommand } from "./run-command.ts";
import type { RunContext } from "./run-context.ts";
import { checkPolicy } from "./stage-policy.ts";
import { stageSandbox } from "./stage-sandbox.ts";
import type { CommandCheck, FunctionCheck, Stage } from "./types.ts";
import { Workspace } from "./workspace.ts";

const TIMEOUT_MS = 60_000;

/** What is checked. */
export interface Checked {
  readonly stage: Stage;
  readonly outputs: OutputManifests;
  /** Takes the stage's secrets out of what a check says: its outputs may hold them. */
  scrub(text: string): string;
}

/** Runs them in their order, up to the first that does not hold. */
export async function runChecks(
  context: RunContext,
  checked: Checked,
  report: (check: CheckFacts) => void,
): Promise<void> {
  const { stage, outputs, scrub } = checked;
  for (const check of stage.checks ?? []) {
    const begun = performance.now();
    const { problem, sandbox } = await outcomeOf(context, stage, outputs, check);
    const durationMs = Math.round(performance.now() - begun);
    const facts = { name: check.name, durationMs, ...sandbox };
    const failure = problem === undefined ? undefined : new StageFailure("check", scrub(`${check.name}: ${problem}`));
    report(failure === undefined ? facts : { ...facts, problem: failure.message });
    if (failure !== undefined) throw failure;
  }
}

interface Outcome {
  /** As it was said. Undefined: it held. */
  readonly problem: string | undefined;
  /** Of its sandbox, where it had one. */
  readonly sandbox?: Pick<CheckFacts, "policyDigest" | keyof ProgramFacts>;
}

async function outcomeOf(
  context: RunContext,
  stage: Stage,
  outputs: OutputManifests,
  check: FunctionCheck | CommandCheck,
): Promise<Outcome> {
  if ("command" in check) return runInSandbox(context, stage, outputs, check);
  try {
    return { problem: (await check.run(new StoredOutputs(context.folder.store, outputs))) ?? undefined };
  } catch (error) {
    const failure = stageFailure(error, "check");
    if (failure.code === "artifact") throw failure;
    return { problem: failure.raw };
  }
}

/** In a sandbox of its own: what the stage left running, or in memory, has no part in it. */
async function runInSandbox(
  context: RunContext,
  stage: Stage,
  outputs: OutputManifests,
  { command, policy, timeoutMs = TIMEOUT_MS }: CommandCheck,
): Promise<Outcome> {
  const { definition, folder, signal } = context;
  const { paths, files } = placed(stage, outputs);
  await using workspace = await Workspace.make(folder, files);
  const options = stageSandbox(definition, stage);
  const image = await pinnedImage(options);
  await using sandbox = await createSandbox((await checkPolicy(policy, paths)).policy, {
    ...options,
    ...(image === undefined ? {} : { image: image.id }),
    workspace: { path: workspace.path, mode: "copy" },
    signal,
  });
  const ran = await runCommand(sandbox, command, { timeoutMs, signal, maxBytes: 0 });
  const facts = { policyDigest: sandbox.policy.digest, ...programFacts(options, image, sandbox) };
  return { problem: problemOf(ran, timeoutMs), sandbox: facts };
}

function problemOf(ran: Ran, timeoutMs: number): string | undefined {
  if (ran.timedOut) return `it took longer than ${timeoutMs} ms`;
  if (ran.exitCode === 0) return undefined;
  const said = (ran.stderrTail || ran.stdoutTail).trim();
  const how = ran.exitCode === null ? `it was ended by ${ran.signal}` : `it exited with ${ran.exitCode}`;
  return said === "" ? how : `${how}: ${said}`;
}

/** What was printed lies in a folder of its own there. */
function placed(stage: Stage, outputs: OutputManifests): { readonly paths: string[]; readonly files: Manifest } {
  const paths: string[] = [];
  const files = Object.entries(stage.outputs ?? {}).flatMap(([name, output]) => {
    const made = outputs[name] ?? [];
    if (made.length === 0) return [];
    paths.push(isStdout(output) ? `stdout/${name}` : plainPath(output.path));
    return isStdout(output) ? made.map((each) => ({ ...each, path: `stdout/${name}` })) : made;
  });
  return { paths, files: sorted(files) };
}
