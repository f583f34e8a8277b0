/**
 * What approvers are asked, and what they answer.
 *
 * @module
 */
import type { Awaitable } from "./awaitable.ts";
import type { DecisionMaker } from "./decided.ts";
import type { InferenceAnswer, InferenceCall, InferenceChunk } from "./inference-types.ts";
import type { FilesystemAccess, NetworkConnect, NetworkMessage, NetworkRequest, ProcessStart } from "./subjects.ts";
import type { HookVerdict } from "./verdict.ts";

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
    })
  | (ApprovalBase & { readonly domain: "gate"; readonly gate: WaitingGate });

/** What of a call to a model it is about: the call before it is sent, a piece of its answer, or the whole answer. */
export type InferenceApproval =
  | { readonly call: InferenceCall }
  | { readonly call?: undefined; readonly chunk: InferenceChunk }
  | { readonly call?: undefined; readonly answer: InferenceAnswer };

/** Something that waits outside of every sandbox, such as the end of a pipeline's stage. */
export interface WaitingGate {
  /** What waits, for instance `docs: the diff`. */
  readonly name: string;
  /** What is to be known about it: names and values. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** What is to be read before anybody answers, for instance a diff. */
  readonly text?: string;
}

/**
 * How far an answer goes: this once; for the same facts until the sandbox ends or its policy is changed; or as `session`, and
 * a rule for the next policy is written down.
 */
export type ApprovalScope = "once" | "session" | "always";

/** An answer with all its parts. */
export interface ApprovalAnswer {
  readonly verdict: "allow" | "deny";
  /** One that the question does not offer is narrowed. @default the first that the question offers */
  readonly scope?: ApprovalScope;
  /** Who answered, as it is recorded: up to 128 characters. @default the approver's name */
  readonly by?: string;
  readonly reason?: string;
}

/** An answer that came to nothing. */
export interface RefusedAnswer {
  /** The question that it was for, as the answer named it. */
  readonly id: string;
  /**
   * `late`: nobody waited any more. `double`: it was answered already. `unknown`: there is no such question. `forged`: it does
   * not prove where it comes from. `replayed`: it was sent before.
   */
  readonly why: "late" | "double" | "unknown" | "forged" | "replayed";
  /** Who sent it, or says so. */
  readonly by?: string;
}

/** What an approver knows beside the request. */
export interface ApprovalContext {
  /** Of this question: no two have the same, and nobody guesses it. */
  readonly id: string;
  /** The id of the sandbox. */
  readonly sandbox: string;
  /** How long it may take, in milliseconds. After that the answer is no. */
  readonly timeoutMs: number;
  /** When that is: ISO 8601. */
  readonly expiresAt: string;
  /** What may be answered, the narrowest first. */
  readonly scopes: readonly ApprovalScope[];
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** Has it recorded that an answer was refused. */
  refused(answer: RefusedAnswer): void;
}

/**
 * Answers `true` or `allow()`, `false` or `deny(reason)`, or an {@link ApprovalAnswer}. Anything else is a no, and so is a throw.
 *
 * It is asked about everything that happens at one time at once. It may use the sandbox.
 */
export type Approver = (
  request: ApprovalRequest,
  context: ApprovalContext,
) => Awaitable<boolean | HookVerdict | ApprovalAnswer | undefined>;
