/**
 * The gate of a stage: what is shown is bound to what is let through, and whoever says nothing says no.
 *
 * @module
 */
import { displaySafe } from "../audit/mod.ts";
import { canonicalJson } from "../policy/digest.ts";
import { StageFailure } from "./failure.ts";
import { gateText } from "./gate-text.ts";
import type { Gate, GateAnswer, GateApprover, GateChange, GateRequest } from "./gate-types.ts";
import type { PipelineEvent } from "./journal-types.ts";
import { digestOf, type OutputManifests } from "./manifest.ts";
import { gateChanges, Release } from "./release.ts";
import type { RunContext } from "./run-context.ts";
import { type StageState, stageState } from "./state.ts";
import type { Stage } from "./types.ts";

const TIMEOUT_MS = 3_600_000;

type Ask = Extract<PipelineEvent, { readonly kind: "gate.ask" }>;

/** What came of a gate. */
export type GateOutcome = "open" | "denied" | "waiting";

/** What is shown, as it is stored. */
interface Shown {
  readonly text: string;
  readonly changes: readonly GateChange[];
}

/** Asks, unless there is an answer. `open`: it may leave. */
export async function passGate(context: RunContext, name: string, outputs: OutputManifests): Promise<GateOutcome> {
  const gate = context.definition.stages[name]?.gate;
  if (gate === undefined) return "open";
  const { answer } = stageState(context.state, name);
  if (answer !== undefined) return answer.approved ? "open" : "denied";
  const ask = stageState(context.state, name).ask ?? (await openGate(context, name, gate, outputs));
  const shown = await shownAt(context, name);
  const said = await answerOf(context, gate, ask, shown);
  if (said === "wait") return "waiting";
  const { approved, by, reason } = said;
  await context.record({
    kind: "gate.answer",
    stage: name,
    digest: ask.digest,
    approved,
    by,
    ...(reason === undefined ? {} : { reason }),
  });
  return approved ? "open" : "denied";
}

/**
 * What was let through.
 *
 * @throws {StageFailure} If the answer was about something else.
 */
export async function approvedChanges(context: RunContext, name: string): Promise<ReadonlySet<string>> {
  const { ask, answer } = stageState(context.state, name);
  if (ask === undefined || answer?.digest !== ask.digest || !answer.approved) {
    throw new StageFailure("artifact", "its gate was not passed by what would be released");
  }
  const { changes } = await shownAt(context, name);
  return new Set(changes.map(changeKey));
}

/** Stands for a change, in what was shown and in what is written. */
export function changeKey(change: GateChange): string {
  return canonicalJson(change);
}

async function openGate(context: RunContext, name: string, gate: Gate, outputs: OutputManifests): Promise<Ask> {
  const { folder, definition } = context;
  const stage = definition.stages[name] as Stage;
  const changes = await new Release(context, name, outputs).changes();
  const listed = gateChanges(stage, outputs, changes);
  const text = await gateText({ gate, changes, listed, outputs, store: folder.store });
  const shown = await folder.store.putJson({ text, changes: listed } satisfies Shown);
  const { on = "diff", timeoutMs = TIMEOUT_MS } = gate;
  const state = stageState(context.state, name);
  const ask: Ask = {
    kind: "gate.ask",
    stage: name,
    on,
    digest: gateDigest(context, name, on, state, shown),
    shown,
    deadline: new Date(Date.now() + timeoutMs).toISOString(),
  };
  await context.record(ask);
  return ask;
}

/** Of the run too: an approval of one is none of another. */
function gateDigest({ folder }: RunContext, stage: string, on: string, { end }: StageState, shown: string): string {
  return digestOf({ run: folder.id, stage, on, outputs: end?.outputs, shown });
}

async function shownAt(context: RunContext, name: string): Promise<Shown> {
  const state = stageState(context.state, name);
  const { ask } = state;
  if (ask === undefined || gateDigest(context, name, ask.on, state, ask.shown) !== ask.digest) {
    throw new StageFailure("artifact", "what its gate showed does not belong to what it made");
  }
  // Its digest says that it is what was stored.
  return (await context.folder.store.json(ask.shown)) as Shown;
}

type Said = "wait" | { readonly approved: boolean; readonly by: string; readonly reason?: string };

async function answerOf(context: RunContext, gate: Gate, ask: Ask, { text, changes }: Shown): Promise<Said> {
  const { approvals, definition, folder, signal } = context;
  const timeoutMs = Date.parse(ask.deadline) - Date.now();
  if (!(timeoutMs > 0)) return TOO_LATE;
  if (approvals.get(ask.stage) === ask.digest) return { approved: true, by: "resume" };
  const approver = gate.approve ?? context.approve;
  if (approver === undefined) return "wait";
  const { stage, on, digest, deadline } = ask;
  const request: GateRequest = {
    pipeline: definition.name,
    run: folder.id,
    stage,
    on,
    digest,
    text,
    changes,
    deadline,
  };
  return askApprover(approver, request, timeoutMs, signal);
}

const TOO_LATE: Said = { approved: false, by: "deadline", reason: "nobody answered in time" };

async function askApprover(
  approver: GateApprover,
  request: GateRequest,
  timeoutMs: number,
  outer: AbortSignal,
): Promise<Said> {
  const over = new AbortController();
  const late = deadline(timeoutMs, over.signal);
  const signal = AbortSignal.any([outer, over.signal]);
  try {
    const asked = (async () => approver(request, { timeoutMs, signal }))().then(readAnswer, (error: unknown): Said => {
      return {
        approved: false,
        by: "approver",
        reason: shown(`it failed: ${error instanceof Error ? error.message : error}`),
      };
    });
    const said = await Promise.race([asked, late, aborted(outer, over.signal)]);
    outer.throwIfAborted();
    return said ?? TOO_LATE;
  } finally {
    over.abort();
  }
}

function deadline(timeoutMs: number, signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs, undefined);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  });
}

function aborted(outer: AbortSignal, over: AbortSignal): Promise<undefined> {
  return new Promise((resolve) =>
    outer.addEventListener("abort", () => resolve(undefined), { once: true, signal: over }),
  );
}

function readAnswer(answer: GateAnswer): Said {
  if (answer === "wait") return "wait";
  if (typeof answer === "boolean") return { approved: answer, by: "approver" };
  if (typeof answer !== "object" || answer === null || typeof answer.approved !== "boolean") {
    return { approved: false, by: "approver", reason: "its answer was no answer" };
  }
  const { approved, by = "approver", reason } = answer;
  return { approved, by: shown(String(by)), ...(reason === undefined ? {} : { reason: shown(String(reason)) }) };
}

const WORDS_MAX = 500;

function shown(text: string): string {
  return displaySafe(text).slice(0, WORDS_MAX);
}
