/**
 * What came of a run, from its journal.
 *
 * @module
 */
import { needsOf } from "./define.ts";
import { artifactFiles, digestOf, loadOutputs } from "./manifest.ts";
import type {
  AttemptFacts,
  GateResult,
  OutputFacts,
  PipelineResult,
  ReleaseFacts,
  RunStatus,
  StageResult,
  StageStatus,
} from "./result-types.ts";
import type { RunContext } from "./run-context.ts";
import { failureOf, type StageState, stageState } from "./state.ts";
import type { Stage } from "./types.ts";

/** Puts it together. Everything that was stored is verified on the way. */
export async function resultOf(context: RunContext, status: RunStatus): Promise<PipelineResult> {
  const { definition, folder, journal, inputs, state } = context;
  const results: StageResult[] = [];
  const statuses = new Map<string, StageStatus>();
  for (const name of definition.order) {
    const needs = needsOf(definition.stages[name] as Stage).map((other) => statuses.get(other));
    const result = await stageResult(context, name, stageState(state, name), needs);
    statuses.set(name, result.status);
    results.push(result);
  }
  return {
    pipeline: definition.name,
    run: folder.id,
    folder: folder.path,
    status,
    stages: results,
    inputs: artifactFiles(inputs),
    definitionDigest: state.start?.definition ?? "",
    journalHead: journal.head,
    startedAt: state.start?.startedAt ?? "",
    endedAt: state.endedAt ?? "",
  };
}

async function stageResult(
  { folder }: RunContext,
  name: string,
  state: StageState,
  needs: readonly (StageStatus | undefined)[],
): Promise<StageResult> {
  const { ask, answer, released, end } = state;
  const attempts: AttemptFacts[] = [];
  // Their digests say that they are as this library stored them.
  for (const digest of state.facts) attempts.push((await folder.store.json(digest)) as AttemptFacts);
  const failure = failureOf(state);
  const status = statusOf(state, needs);
  const denied = answer?.approved === false ? deniedBecause(answer.by, answer.reason) : undefined;
  const reason = failure?.reason ?? denied ?? (status === "skipped" ? "what it needs did not pass" : undefined);
  return {
    name,
    status,
    ...(reason === undefined ? {} : { reason }),
    ...(failure === undefined ? {} : { failure: failure.code }),
    attempts,
    // What was changed is not told as if it were what the stage made.
    outputs:
      end?.outputs === undefined || failure?.code === "artifact" ? [] : await outputFacts(folder.store, end.outputs),
    ...(ask === undefined ? {} : { gate: gateFacts(ask, answer) }),
    ...(released === undefined ? {} : { release: (await folder.store.json(released.outcome)) as ReleaseFacts }),
  };
}

function statusOf(state: StageState, needs: readonly (StageStatus | undefined)[]): StageStatus {
  if (state.passed) return "passed";
  if (state.failed !== undefined || state.end?.failure !== undefined) return "failed";
  if (state.answer?.approved === false) return "denied";
  if (state.ask !== undefined && state.answer === undefined) return "waiting";
  return needs.some((each) => each === "failed" || each === "denied" || each === "skipped") ? "skipped" : "pending";
}

function deniedBecause(by: string, reason: string | undefined): string {
  return `its gate was denied by ${by}${reason === undefined ? "" : `: ${reason}`}`;
}

async function outputFacts(store: RunContext["folder"]["store"], digest: string): Promise<OutputFacts[]> {
  const outputs = await loadOutputs(store, digest);
  return Object.entries(outputs).map(([name, manifest]) => {
    return { name, digest: digestOf(manifest), files: artifactFiles(manifest) };
  });
}

function gateFacts({ on, digest, deadline }: NonNullable<StageState["ask"]>, answer: StageState["answer"]): GateResult {
  if (answer === undefined) return { on, digest, deadline };
  const { approved, by, reason } = answer;
  return { on, digest, deadline, approved, by, ...(reason === undefined ? {} : { reason }) };
}
