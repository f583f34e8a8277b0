/**
 * The types of gates: what is shown, who answers, and what an answer is bound to.
 *
 * @module
 */

/** What a gate shows: what changes in the project, line by line; which files leave the stage; or the text of an output. */
export type GateSubject = "diff" | "plan" | "report";

/** A gate: nothing leaves its stage before it was let through. */
export interface Gate {
  /** @default "diff" */
  readonly on?: GateSubject;
  /** Which output a `report` shows: one file of text. */
  readonly report?: string;
  /**
   * Who is asked. Without one, whoever `runPipeline` names; if it names nobody the run stops and waits, and is resumed with
   * an approval.
   */
  readonly approve?: GateApprover;
  /** After that long the answer is no, in milliseconds, at most 24 days. @default 3600000 */
  readonly timeoutMs?: number;
}

/** A file that would leave the stage, or be written to the project. */
export interface GateChange {
  /** `made`: part of an output that stays in the run. */
  readonly kind: "added" | "modified" | "deleted" | "made";
  readonly path: string;
  /** Of the content: 64 hexadecimal digits. Absent where it is deleted. */
  readonly sha256?: string;
  /** In bytes. */
  readonly size?: number;
  /** Permission bits. */
  readonly mode?: number;
}

/** What somebody is asked. */
export interface GateRequest {
  readonly pipeline: string;
  readonly run: string;
  readonly stage: string;
  readonly on: GateSubject;
  /** Stands for all that is shown and all that is let through, in this run: `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  /** What is shown, whole. Control characters are escaped: it may be printed to a terminal. */
  readonly text: string;
  readonly changes: readonly GateChange[];
  /** ISO 8601. After that the answer is no. */
  readonly deadline: string;
}

/** What an approver knows beside the request. */
export interface GateContext {
  /** How long there is left, in milliseconds. */
  readonly timeoutMs: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/**
 * Answers `true` or `false`, or says who answered and why. Anything else is a no, and so is a throw. `"wait"` leaves it open:
 * the run stops, and is resumed with an approval.
 */
export type GateApprover = (request: GateRequest, context: GateContext) => Promise<GateAnswer> | GateAnswer;

/** What an approver says. */
export type GateAnswer =
  | boolean
  | "wait"
  | { readonly approved: boolean; readonly by?: string; readonly reason?: string };
