/**
 * Who is asked where the policy or a hook says `ask`.
 *
 * @module
 */
import { Call } from "./call.ts";
import type { DecisionMaker } from "./decided.ts";
import type { InferenceAnswer, InferenceCall, InferenceChunk } from "./inference-types.ts";
import type { FilesystemAccess, NetworkConnect, NetworkMessage, NetworkRequest, ProcessStart } from "./subjects.ts";
import type { Awaitable } from "./types.ts";
import { type HookVerdict, readVerdict } from "./verdict.ts";

/** How long an approver may take unless an option says so, in milliseconds. */
export const APPROVE_TIMEOUT_MS: number = 300_000;

/** What every request has. */
export interface ApprovalBase {
  /** Why somebody is asked: the hook's words, or the rule. */
  readonly reason: string;
  /** Who wants to know. */
  readonly askedBy: DecisionMaker;
  /** The rule that matched. Absent: none did. */
  readonly ruleId?: string;
}

/** Something that an approver decides about: discriminated by `domain`. */
export type ApprovalRequest =
  | (ApprovalBase & { readonly domain: "filesystem"; readonly access: FilesystemAccess })
  | (ApprovalBase & { readonly domain: "process"; readonly start: ProcessStart })
  | (ApprovalBase & { readonly domain: "inference" } & InferenceApproval)
  | (ApprovalBase & {
      readonly domain: "network";
      readonly connect: NetworkConnect;
      /** The request, where it is about one. Absent: about the connection as a whole. */
      readonly request?: NetworkRequest;
      /** The message that follows that request, where it is about one. */
      readonly message?: NetworkMessage;
      /** It is about the host's response to that request. */
      readonly response?: true;
      /**
       * The program asks for it by itself, at `cofferdam.local`, and says why in these words: one line of a hostile text.
       * A yes opens it for all programs of the sandbox, until it ends or its policy is changed.
       */
      readonly requested?: string;
    });

/** What of a call to a model it is about: the call before it is sent, a piece of its answer, or the whole answer. */
export type InferenceApproval =
  | { readonly call: InferenceCall }
  | { readonly call?: undefined; readonly chunk: InferenceChunk }
  | { readonly call?: undefined; readonly answer: InferenceAnswer };

/** What an approver knows beside the request. */
export interface ApprovalContext {
  /** The id of the sandbox. */
  readonly sandbox: string;
  /** How long it may take, in milliseconds. After that the answer is no. */
  readonly timeoutMs: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/**
 * Answers `true` or `allow()`, `false` or `deny(reason)`. Anything else is a no, and so is a throw.
 *
 * It is asked about everything that happens at one time at once. It may use the sandbox.
 */
export type Approver = (request: ApprovalRequest, context: ApprovalContext) => Awaitable<boolean | HookVerdict>;

/** A call of an approver. It is what the approver gets as its context. */
export class ApprovalCall extends Call implements ApprovalContext {
  readonly timeoutMs: number;

  constructor(sandbox: string, timeoutMs: number) {
    super(sandbox);
    this.timeoutMs = timeoutMs;
  }
}

/**
 * What an approver said.
 *
 * @returns undefined where it is no answer.
 */
export function readApproval(answer: unknown): { readonly allowed: boolean; readonly reason: string } | undefined {
  if (typeof answer === "boolean") return { allowed: answer, reason: "" };
  const verdict = readVerdict(answer);
  if (verdict?.verdict !== "allow" && verdict?.verdict !== "deny") return undefined;
  return { allowed: verdict.verdict === "allow", reason: verdict.reason ?? "" };
}
