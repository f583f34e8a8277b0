/**
 * What calls share, and what becomes of one.
 *
 * @module
 */
import type { ContentBudget } from "../../../egress/http/content.ts";
import type { FlowSubject } from "../../../egress/mod.ts";
import type { Decided, InferenceCall, PolicyRuling } from "../../../hooks/mod.ts";
import type { Meter } from "../budget/meter.ts";
import type { InferencePlan, Route, Target } from "../plan.ts";
import type { PrivacyFact } from "../privacy/carried.ts";
import type { Guards } from "../privacy/guards.ts";
import type { AttemptSetting } from "./attempt.ts";
import type { HeldBytes } from "./body.ts";
import type { Endpoint } from "./dialect.ts";
import type { CallFailure } from "./errors.ts";
import type { AnswerJudge } from "./hearing.ts";
import type { SaidContent } from "./transcript.ts";
import type { Usage } from "./usage.ts";

/** A call that is over, as it is recorded. */
export interface CallRecord {
  readonly subject: FlowSubject;
  readonly endpoint: Endpoint;
  /** As the client called it. */
  readonly model: string;
  /** Absent: no route took it. */
  readonly route?: Route;
  /** Who answered, or failed last. */
  readonly target?: Target;
  /** Who decided, where hooks or an approver did. */
  readonly decided?: Decided;
  readonly usage: Usage;
  /** In US dollars. Absent: nobody knows, or nobody was asked. */
  readonly usd?: number;
  /** Absent: it went well. */
  readonly failure?: CallFailure;
  /** Who failed before somebody answered, and how. */
  readonly failed: readonly string[];
  /** What the call carried that rules are about. */
  readonly privacy: readonly PrivacyFact[];
  /** What was said. Absent: the policy does not ask for it, or nothing went to a provider. */
  readonly content?: SaidContent;
  /** Until it was over, and until the answer began. */
  readonly latencyMs: number;
  readonly firstByteMs?: number;
}

/** What hooks say to a call. */
export interface JudgedCall {
  readonly decided: Decided;
  /** What is sent in its place. Absent: none changed it. */
  readonly body?: Readonly<Record<string, unknown>>;
}

/** What calls share. */
export interface CallSetting extends AttemptSetting {
  plan(): InferencePlan;
  /** Asks hooks, and where the ruling says so the approver, about a call that has a route. It never rejects. Absent: there are none. */
  judge?(call: InferenceCall, ruling: PolicyRuling, signal: AbortSignal): Promise<JudgedCall>;
  /** What looks at what calls carry. */
  readonly guards: Guards;
  /** Asks hooks about answers. Absent: there are none. */
  readonly hears?: AnswerJudge | undefined;
  record(record: CallRecord): void;
  /** What all of them hold. */
  readonly held: HeldBytes;
  readonly budget: ContentBudget;
  readonly meter: Meter;
}
