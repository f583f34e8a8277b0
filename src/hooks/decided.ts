/**
 * What comes of a decision.
 *
 * @module
 */

import type { ApproverFacts } from "../audit/mod.ts";

/** Who decided: the policy by itself, a plugin's hook, or an approver. */
export type DecisionMaker =
  | { readonly kind: "policy" }
  | { readonly kind: "plugin"; readonly name: string; readonly hook: string }
  | ApproverFacts;

/** What the policy says to a question. */
export interface PolicyRuling {
  /** Explicit denials are the warden's, and never get here. */
  readonly verdict: "allow" | "ask";
  /** Absent: no rule matched. */
  readonly ruleId?: string | undefined;
  /** The name of the hook that the rule leaves the answer to. */
  readonly defer?: string | undefined;
}

/** The end of a question. */
export interface Decided {
  readonly verdict: "allow" | "deny";
  readonly decidedBy: DecisionMaker;
  readonly reason: string;
  /** From the question to the answer, in milliseconds, the wait for others included. */
  readonly latencyMs: number;
  /** What is read in the place of the file. Only of an allowed `read`. */
  readonly content?: Uint8Array;
  /** Whether an approver was asked. */
  readonly asked?: boolean;
  /** How long who decided was given, in milliseconds. */
  readonly deadlineMs?: number;
}

/** What a decision may need of who asks. */
export interface DecideOptions {
  /** The command that asks: what it may have at one time leaves room for others. Absent: it is bounded with all others. */
  readonly command?: number | undefined;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal?: AbortSignal | undefined;
  /** Called before an approver is asked, with what that may take, in milliseconds. */
  readonly onHold?: ((timeoutMs: number) => void) | undefined;
}
