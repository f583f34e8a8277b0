/**
 * From a journal to what has happened. Pure.
 *
 * @module
 */
import type { PipelineEvent } from "./journal-types.ts";
import type { FailureCode } from "./types.ts";

type EventOf<K extends PipelineEvent["kind"]> = Extract<PipelineEvent, { readonly kind: K }>;

/** What has happened to a stage. */
export interface StageState {
  /** How many attempts were begun; a process that was killed has left one without an end. */
  readonly begun: number;
  /** How many of them failed and were followed by another one. */
  readonly retried: number;
  /** The digests of their facts. */
  readonly facts: readonly string[];
  /** The end of the last one, where that was not a retry's beginning. */
  readonly end?: EventOf<"stage.end">;
  readonly ask?: EventOf<"gate.ask">;
  readonly answer?: EventOf<"gate.answer">;
  readonly releasing?: EventOf<"release.start">;
  readonly released?: EventOf<"release.end">;
  readonly passed: boolean;
  readonly failed?: EventOf<"stage.fail">;
}

/** What has happened in a run. */
export interface RunState {
  readonly start: EventOf<"run.start"> | undefined;
  readonly stages: ReadonlyMap<string, StageState>;
  /** Present: nothing more will happen. */
  readonly end: EventOf<"run.end"> | undefined;
  /** When the last process left it. */
  readonly endedAt: string | undefined;
}

const NOTHING: StageState = { begun: 0, retried: 0, facts: [], passed: false };

/** Reads a journal from its beginning. */
export function foldEvents(events: readonly PipelineEvent[]): RunState {
  const stages = new Map<string, StageState>();
  let start: RunState["start"];
  let end: RunState["end"];
  let endedAt: string | undefined;
  for (const event of events) {
    if (event.kind === "run.start") start = event;
    if (event.kind === "run.end") end = event;
    if (event.kind === "run.end" || event.kind === "run.pause") endedAt = event.endedAt;
    if ("stage" in event) stages.set(event.stage, next(stages.get(event.stage) ?? NOTHING, event));
  }
  return { start, stages, end, endedAt };
}

/** The state of a stage that may not have begun. */
export function stageState({ stages }: RunState, name: string): StageState {
  return stages.get(name) ?? NOTHING;
}

function next(state: StageState, event: Exclude<PipelineEvent, { readonly kind: `run.${string}` }>): StageState {
  switch (event.kind) {
    case "stage.start":
      return { ...state, begun: event.attempt };
    case "stage.end": {
      const facts = [...state.facts, event.facts];
      return event.retry ? { ...state, facts, retried: state.retried + 1 } : { ...state, facts, end: event };
    }
    case "gate.ask":
      return { ...state, ask: event };
    case "gate.answer":
      return { ...state, answer: event };
    case "release.start":
      return { ...state, releasing: event };
    case "release.end":
      return { ...state, released: event };
    case "stage.pass":
      return { ...state, passed: true };
    case "stage.fail":
      return { ...state, failed: event };
  }
}

/** Why a stage failed, where it did. */
export function failureOf({ failed, end }: StageState): { code: FailureCode; reason: string } | undefined {
  if (failed !== undefined) return { code: failed.failure, reason: failed.reason };
  return end?.failure === undefined ? undefined : { code: end.failure, reason: end.reason ?? "" };
}
