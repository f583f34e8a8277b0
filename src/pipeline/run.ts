/**
 * `runPipeline` and `resumePipeline`: read this first.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import type { ReadPolicy } from "../sandbox/read-policy.ts";
import { definePipeline, needsOf } from "./define.ts";
import { definitionDigest } from "./definition-digest.ts";
import { driveStage, type StageEnd } from "./drive-stage.ts";
import type { GateApprover } from "./gate-types.ts";
import { projectPaths } from "./inputs.ts";
import { Journal, type JournalListener } from "./journal.ts";
import { loadManifest } from "./manifest.ts";
import { isWithin } from "./paths.ts";
import { lookAtProject, openProject } from "./project.ts";
import { projectSince, runChanged } from "./project-since.ts";
import { resultOf } from "./result.ts";
import type { PipelineResult, RunStatus } from "./result-types.ts";
import { RunContext } from "./run-context.ts";
import { folderOfRun, RunFolder } from "./run-folder.ts";
import { Slots } from "./slots.ts";
import { stagePolicy } from "./stage-policy.ts";
import { foldEvents, stageState } from "./state.ts";
import type { Pipeline, PipelineDefinition, Stage } from "./types.ts";

const PARALLEL = 2;

/** The options of `runPipeline`. */
export interface RunPipelineOptions {
  /** The folder that inputs come from, and that outputs are released to. @default the current directory */
  readonly project?: string;
  /** The folder that the run's own folder is made in. @default `runs` in the state folder of this user */
  readonly runs?: string;
  /** Who is asked at gates that name nobody. Without one the run stops there, and waits. */
  readonly approve?: GateApprover;
  /** Ends the run. It can be resumed. */
  readonly signal?: AbortSignal;
  /** Hears of each step when it is on the disk. What it throws is ignored. */
  readonly onEvent?: JournalListener;
  /** The file that the definition came from, and its digest: a change of it is a change of the definition. */
  readonly source?: { readonly path: string; readonly digest: string };
}

/** An answer to a gate that waits, bound to what was shown there. */
export interface GateApproval {
  readonly stage: string;
  /** The gate's: `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
}

/** The options of `resumePipeline`. */
export interface ResumePipelineOptions extends Omit<RunPipelineOptions, "runs"> {
  /** Gates that are let through. */
  readonly approvals?: readonly GateApproval[];
}

/**
 * Runs a pipeline: each stage in a sandbox of its own, what it makes through its checks and its gate, and nothing else out.
 *
 * Shape: a stage that fails is in the result, and is no error. The run's folder keeps everything that `resumePipeline` needs.
 *
 * @throws {SandboxError} PIPELINE_INVALID If the definition is malformed.
 * @throws {SandboxError} POLICY_INVALID If a policy is malformed.
 * @throws {SandboxError} POLICY_LOCKED If a policy has locked what the stage's inputs and outputs need.
 * @throws {SandboxError} WORKSPACE_UNUSABLE If an input is not there, or cannot be read.
 * @throws {SandboxError} ARGUMENT_INVALID If an option is malformed.
 * @throws {SandboxError} STATE_UNUSABLE If the state folder cannot be used.
 *
 * @example
 * ```ts
 * import { definePipeline, runPipeline } from "cofferdam";
 *
 * const pipeline = definePipeline({
 *   name: "notes",
 *   stages: {
 *     write: {
 *       command: ["sh", "-c", "echo '# Notes' > notes/today.md"],
 *       outputs: { notes: { path: "notes", release: true } },
 *       gate: { approve: ({ text }) => !text.includes("secret") },
 *     },
 *   },
 * });
 * const { status } = await runPipeline(pipeline, { project: "." });
 * console.log(status);
 * ```
 */
export async function runPipeline(
  pipeline: Pipeline | PipelineDefinition,
  options: RunPipelineOptions = {},
): Promise<PipelineResult> {
  const definition = definePipeline(pipeline);
  const { project: path = ".", signal = new AbortController().signal } = options;
  const { policies, digests } = await policiesOf(definition);
  const project = await openProject(path);
  const folder = await RunFolder.create(options.runs);
  try {
    requireApart(folder.path, project.path, definition);
    const { manifest: inputs, entries } = await lookAtProject(project, projectPaths(definition), {
      store: folder.store,
    });
    const journal = await Journal.create(folder.journal, options.onEvent);
    try {
      await journal.append({
        kind: "run.start",
        run: folder.id,
        pipeline: definition.name,
        definition: definitionDigest(definition, digests, options.source?.digest),
        policies: digests,
        inputs: await folder.store.putJson(inputs),
        project: project.path,
        ...(options.source === undefined ? {} : { source: options.source.path }),
        startedAt: new Date().toISOString(),
      });
      const parts = { definition, folder, journal, policies, project, inputs, entries, signal };
      return await goOn(new RunContext({ ...parts, approve: options.approve, approvals: new Map() }));
    } finally {
      await journal.close();
    }
  } finally {
    await folder.close();
  }
}

/**
 * Goes on with a run that waits at a gate, was aborted, or whose process was killed; one that is over is only reported.
 *
 * Shape: a stage that was let through its gate does not run again, and what was released is not released again. `run` is the
 * folder of the run, or its id.
 *
 * @throws {SandboxError} RUN_UNUSABLE If there is no such run, or its journal was changed.
 * @throws {SandboxError} RUN_BUSY If another process has it.
 * @throws {SandboxError} RUN_CHANGED If the definition, a policy, or an input is not what the run began with.
 * @throws {SandboxError} ARTIFACT_CHANGED If what the run has stored was changed.
 * @throws {SandboxError} ARGUMENT_INVALID If an approval is not for a gate that waits, with that digest.
 * @throws {SandboxError} PIPELINE_INVALID If the definition is malformed.
 *
 * @example
 * ```ts
 * import { resumePipeline, runPipeline } from "cofferdam";
 * import pipeline from "./docs.pipeline.ts";
 *
 * const { folder, stages } = await runPipeline(pipeline);
 * for (const { name, gate } of stages) if (gate !== undefined) console.log(name, gate.digest);
 * console.log((await resumePipeline(pipeline, folder)).status);
 * ```
 */
export async function resumePipeline(
  pipeline: Pipeline | PipelineDefinition,
  run: string,
  options: ResumePipelineOptions = {},
): Promise<PipelineResult> {
  const definition = definePipeline(pipeline);
  const { signal = new AbortController().signal, approvals = [] } = options;
  const { policies, digests } = await policiesOf(definition);
  const folder = await RunFolder.open(await folderOfRun(run));
  try {
    const journal = await Journal.open(folder.journal, options.onEvent);
    try {
      const { start, end } = foldEvents(journal.events);
      if (start === undefined || start.run !== folder.id) throw nothingBegun(folder.path);
      requireSame(folder.path, start, definitionDigest(definition, digests, options.source?.digest), digests);
      const project = await openProject(options.project ?? start.project);
      const inputs = await loadManifest(folder.store, start.inputs);
      const parts = { definition, folder, journal, policies, project, inputs, signal, approve: options.approve };
      const ahead = new Map(approvals.map(({ stage, digest }) => [stage, digest]));
      const context = new RunContext({ ...parts, entries: new Map(), approvals: ahead });
      for (const approval of approvals) requireWaiting(context, approval);
      if (end !== undefined) return await resultOf(context, end.status);
      const since = new RunContext({ ...context, entries: await projectSince(context) });
      await journal.append({ kind: "run.resume", resumedAt: new Date().toISOString() });
      return await goOn(since);
    } finally {
      await journal.close();
    }
  } finally {
    await folder.close();
  }
}

/** Runs what can be run, and says where that led. */
async function goOn(outer: RunContext): Promise<PipelineResult> {
  const failed = new AbortController();
  const context = new RunContext({ ...outer, signal: AbortSignal.any([outer.signal, failed.signal]) });
  const { order, stages, parallel = PARALLEL } = context.definition;
  const slots = new Slots(parallel);
  const ends = new Map<string, Promise<StageEnd | "skipped" | "pending">>();
  for (const name of order) ends.set(name, whenReady(context, name, stages[name] as Stage, ends, slots));
  for (const end of ends.values()) end.catch((error: unknown) => failed.abort(error));
  const settled = await Promise.allSettled(ends.values());
  if (outer.signal.aborted) return await pause(outer, "aborted");
  const broken = settled.find((each) => each.status === "rejected");
  if (broken !== undefined) throw failed.signal.reason;
  const statuses = settled.map((each) => (each.status === "fulfilled" ? each.value : "failed"));
  // While a gate is open the run is not over, whatever became of other stages.
  if (statuses.includes("waiting")) return await pause(outer, "waiting");
  const status = statuses.includes("failed") ? "failed" : statuses.includes("denied") ? "denied" : "passed";
  await outer.journal.append({ kind: "run.end", status, endedAt: new Date().toISOString() });
  return await resultOf(outer, status);
}

async function whenReady(
  context: RunContext,
  name: string,
  stage: Stage,
  ends: ReadonlyMap<string, Promise<StageEnd | "skipped" | "pending">>,
  slots: Slots,
): Promise<StageEnd | "skipped" | "pending"> {
  const needed = await Promise.all(needsOf(stage).map((other) => ends.get(other)));
  if (needed.every((end) => end === "passed")) return await driveStage(context, name, slots);
  return needed.some((end) => end === "waiting" || end === "pending") ? "pending" : "skipped";
}

async function pause(context: RunContext, status: Extract<RunStatus, "waiting" | "aborted">): Promise<PipelineResult> {
  await context.journal.append({ kind: "run.pause", status, endedAt: new Date().toISOString() });
  return await resultOf(context, status);
}

async function policiesOf(
  definition: Pipeline,
): Promise<{ policies: Record<string, ReadPolicy>; digests: Record<string, string> }> {
  const policies: Record<string, ReadPolicy> = {};
  for (const name of definition.order) policies[name] = await stagePolicy(definition, definition.stages[name] as Stage);
  const digests = Object.fromEntries(Object.entries(policies).map(([name, { digest }]) => [name, digest]));
  return { policies, digests };
}

function requireSame(
  run: string,
  start: NonNullable<ReturnType<typeof foldEvents>["start"]>,
  definition: string,
  digests: Readonly<Record<string, string>>,
): void {
  const changed = Object.keys({ ...start.policies, ...digests })
    .filter((name) => start.policies[name] !== digests[name])
    .map((name) => `the policy of the stage "${name}"`);
  if (start.definition !== definition) changed.push("the definition of the pipeline");
  if (changed.length > 0) throw runChanged(run, changed);
}

/** An approval of anything else is a mistake, or somebody's attempt. */
function requireWaiting(context: RunContext, { stage, digest }: GateApproval): void {
  const { ask, answer } = stageState(context.state, stage);
  const reason =
    ask === undefined
      ? "no gate waits there"
      : ask.digest !== digest
        ? `its gate waits with ${ask.digest}`
        : answer !== undefined
          ? `its gate was ${answer.approved ? "passed" : "denied"} already`
          : undefined;
  if (reason === undefined) return;
  throw new SandboxError("ARGUMENT_INVALID", `Cannot approve ${stage}@${digest}: ${reason}`, {
    details: { argument: "approvals", value: `${stage}@${digest}` },
    hint: "Look at what waits there now, and approve that",
  });
}

/** Where the definition of a run came from, as `runPipeline` was told. Throws as {@link resumePipeline} does. */
export async function runSource(run: string): Promise<string | undefined> {
  const folder = await RunFolder.open(await folderOfRun(run));
  try {
    const journal = await Journal.open(folder.journal);
    await journal.close();
    return foldEvents(journal.events).start?.source;
  } finally {
    await folder.close();
  }
}

/** A run that keeps copies of its inputs among its inputs would have no end. */
function requireApart(run: string, project: string, definition: Pipeline): void {
  if (!run.startsWith(`${project}/`)) return;
  const inside = run.slice(project.length + 1);
  const input = projectPaths(definition).find((path) => isWithin(inside, path));
  if (input === undefined) return;
  throw new SandboxError("ARGUMENT_INVALID", `Cannot keep the run in "${run}": it lies in the input "${input}"`, {
    details: { argument: "runs", value: run },
    hint: "Keep it outside of the project, or in a folder of it that is no input",
  });
}

function nothingBegun(run: string): SandboxError<"RUN_UNUSABLE"> {
  const reason = "it was ended before anything began, or it has another name now";
  return new SandboxError("RUN_UNUSABLE", `Cannot resume the run in "${run}": ${reason}`, {
    details: { run, reason },
    hint: "Start a new one",
  });
}
