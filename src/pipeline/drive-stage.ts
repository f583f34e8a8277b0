/**
 * A stage from wherever it is to where it can get: attempts, the gate, the release. Each step is written down before the next.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { attemptStage } from "./attempt.ts";
import { StageFailure, stageFailure } from "./failure.ts";
import { approvedChanges, changeKey, passGate } from "./gate.ts";
import { assembleInputs } from "./inputs.ts";
import { loadOutputs, type Manifest, type OutputManifests } from "./manifest.ts";
import { gateChanges, Release, releasedFiles, releaseRoots } from "./release.ts";
import type { ReleaseFacts, StageStatus } from "./result-types.ts";
import type { RunContext } from "./run-context.ts";
import type { Slots } from "./slots.ts";
import { type StageState, stageState } from "./state.ts";
import type { FailureCode, Stage } from "./types.ts";

/** Where a stage has got to. */
export type StageEnd = Extract<StageStatus, "passed" | "failed" | "denied" | "waiting">;

/** Goes on with it. */
export async function driveStage(context: RunContext, name: string, slots: Slots): Promise<StageEnd> {
  const at = () => stageState(context.state, name);
  if (at().passed) return "passed";
  if (at().failed !== undefined) return "failed";
  if (at().answer?.approved === false) return "denied";
  try {
    if (at().end === undefined) await slots.hold(() => makeAttempts(context, name), context.signal);
    const { end } = at();
    if (end?.outputs === undefined) return await fail(context, name, end?.failure ?? "sandbox", end?.reason ?? "");
    const outputs = await loadOutputs(context.folder.store, end.outputs);
    const gate = await passGate(context, name, outputs);
    if (gate !== "open") return gate;
    await releaseStage(context, name, outputs, at());
    await context.record({ kind: "stage.pass", stage: name });
    return "passed";
  } catch (error) {
    context.signal.throwIfAborted();
    const { code, message } = stageFailure(error, "sandbox");
    return await fail(context, name, code, message);
  }
}

async function fail(context: RunContext, stage: string, failure: FailureCode, reason: string): Promise<"failed"> {
  await context.record({ kind: "stage.fail", stage, failure, reason });
  return "failed";
}

async function makeAttempts(context: RunContext, name: string): Promise<void> {
  const { definition, folder, state } = context;
  const stage = definition.stages[name] as Stage;
  const inputs = await inputsOf(context, stage);
  const before = stageState(state, name);
  // An attempt that a killed process left without an end has shown nothing to anybody, and does not count.
  for (let [attempt, retried] = [before.begun + 1, before.retried]; ; attempt++, retried++) {
    await context.record({ kind: "stage.start", stage: name, attempt });
    const { facts, outputs } = await attemptStage(context, name, attempt, inputs);
    const retry = facts.failure !== undefined && mayRetry(stage, facts.failure.code, retried);
    await context.record({
      kind: "stage.end",
      stage: name,
      attempt,
      facts: await folder.store.putJson(facts),
      ...(outputs === undefined ? {} : { outputs: await folder.store.putJson(outputs) }),
      ...(facts.failure === undefined ? {} : { failure: facts.failure.code, reason: facts.failure.reason }),
      ...(retry ? { retry } : {}),
    });
    if (!retry) return;
    await sleep(stage.retries?.delayMs ?? 0, undefined, { signal: context.signal });
  }
}

const RETRIED: readonly FailureCode[] = ["exit", "timeout", "sandbox"];

function mayRetry({ retries }: Stage, code: FailureCode, retried: number): boolean {
  if (retries === undefined || retried >= retries.count) return false;
  const on: readonly FailureCode[] = retries.on ?? RETRIED;
  return on.includes(code);
}

/** Everything that it needs has passed. */
async function inputsOf(context: RunContext, stage: Stage): Promise<Manifest> {
  const { definition, folder, state } = context;
  const outputs = new Map<string, OutputManifests>();
  for (const input of stage.inputs ?? []) {
    if (typeof input === "string" || !("stage" in input) || outputs.has(input.stage)) continue;
    const { end, passed } = stageState(state, input.stage);
    if (!passed || end?.outputs === undefined) throw new StageFailure("artifact", `"${input.stage}" has not passed`);
    outputs.set(input.stage, await loadOutputs(folder.store, end.outputs));
  }
  return assembleInputs(definition, stage, context.inputs, (other) => outputs.get(other) ?? {});
}

async function releaseStage(
  context: RunContext,
  name: string,
  outputs: OutputManifests,
  { ask, releasing, released }: StageState,
): Promise<void> {
  const stage = context.definition.stages[name] as Stage;
  if (releaseRoots(stage).length === 0) return;
  const digest = ask?.digest ?? "";
  if (released !== undefined) return refuse(await releaseFacts(context, released.outcome));
  const approved = await approvedChanges(context, name);
  // All of it, before any of it is written.
  for (const each of releasedFiles(stage, outputs)) {
    if (each.kind === "file") for await (const _ of context.folder.store.read(each));
  }
  const release = new Release(context, name, outputs);
  const changes = (await release.changes()) ?? [];
  const strangers = gateChanges(stage, outputs, changes as never).filter((change) => !approved.has(changeKey(change)));
  const conflicts = [...changes].filter(({ conflict }) => conflict);
  const refused = [
    ...strangers.map(({ path }) => ({ path, reason: "it is not what the gate has shown" })),
    ...conflicts.map(({ path }) => ({ path, reason: "the project has changed there" })),
  ];
  if (refused.length > 0) throw new StageFailure("release", refusalText(refused));
  if (releasing === undefined) await context.record({ kind: "release.start", stage: name, digest });
  const result = await release.apply(changes as never);
  const facts: ReleaseFacts = {
    applied: result.applied.map(({ path }) => path),
    refused: result.refused.map(({ change, reason }) => ({ path: change.path, reason })),
  };
  await context.record({
    kind: "release.end",
    stage: name,
    digest,
    applied: facts.applied.length,
    refused: facts.refused.length,
    outcome: await context.folder.store.putJson(facts),
  });
  refuse(facts);
}

/** Its digest says that it is as this library stored it. */
async function releaseFacts({ folder }: RunContext, outcome: string): Promise<ReleaseFacts> {
  return (await folder.store.json(outcome)) as ReleaseFacts;
}

function refuse({ refused }: Pick<ReleaseFacts, "refused">): void {
  if (refused.length > 0) throw new StageFailure("release", refusalText(refused));
}

function refusalText(refused: ReleaseFacts["refused"]): string {
  const lines = refused.slice(0, 10).map(({ path, reason }) => `"${path}": ${reason}`);
  return `it could not be released: ${lines.join("; ")}${refused.length > 10 ? `; and ${refused.length - 10} more` : ""}`;
}
