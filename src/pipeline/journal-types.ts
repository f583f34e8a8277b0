/**
 * The journal's entries: what has happened in a run, each written before anything follows from it.
 *
 * @module
 */
import type { GateSubject } from "./gate-types.ts";
import type { FailureCode } from "./types.ts";

/** A step of a run. Digests are `sha256:` and 64 hexadecimal digits. */
export type PipelineEvent =
  | {
      readonly kind: "run.start";
      readonly run: string;
      readonly pipeline: string;
      readonly definition: string;
      /** Of each stage. */
      readonly policies: Readonly<Record<string, string>>;
      /** Of the list of the project's files that the stages begin with. */
      readonly inputs: string;
      readonly project: string;
      /** The file that the definition came from. */
      readonly source?: string;
      readonly startedAt: string;
    }
  | { readonly kind: "run.resume"; readonly resumedAt: string }
  | { readonly kind: "stage.start"; readonly stage: string; readonly attempt: number }
  | {
      /** An attempt is over. `retry`: another one follows. */
      readonly kind: "stage.end";
      readonly stage: string;
      readonly attempt: number;
      readonly facts: string;
      /** Of the list of what it made; absent where it failed. */
      readonly outputs?: string;
      readonly failure?: FailureCode;
      readonly reason?: string;
      readonly retry?: boolean;
    }
  | {
      readonly kind: "gate.ask";
      readonly stage: string;
      readonly on: GateSubject;
      /** What an answer is bound to. */
      readonly digest: string;
      /** Of what is shown. */
      readonly shown: string;
      readonly deadline: string;
    }
  | {
      readonly kind: "gate.answer";
      readonly stage: string;
      readonly digest: string;
      readonly approved: boolean;
      readonly by: string;
      readonly reason?: string;
    }
  | { readonly kind: "release.start"; readonly stage: string; readonly digest: string }
  | {
      readonly kind: "release.end";
      readonly stage: string;
      readonly digest: string;
      /** How many files. */
      readonly applied: number;
      readonly refused: number;
      /** Of the list of them. */
      readonly outcome: string;
    }
  | { readonly kind: "stage.pass"; readonly stage: string }
  | { readonly kind: "stage.fail"; readonly stage: string; readonly failure: FailureCode; readonly reason: string }
  | { readonly kind: "run.pause"; readonly status: "waiting" | "aborted"; readonly endedAt: string }
  | { readonly kind: "run.end"; readonly status: "passed" | "failed" | "denied"; readonly endedAt: string };
