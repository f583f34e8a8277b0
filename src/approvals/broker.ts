/**
 * Questions that wait for somebody who comes from elsewhere: a control socket, a web page, a chat.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { readApproval } from "../hooks/approval.ts";
import type { ApprovalAnswer, ApprovalContext, Approver, RefusedAnswer } from "../hooks/approval-types.ts";
import { type ApprovalQuestion, questionOf } from "./question.ts";

/** What happens to a question. */
export type BrokerEvent =
  | { readonly kind: "pending"; readonly question: ApprovalQuestion }
  | { readonly kind: "settled"; readonly id: string; readonly by: "answer" | "nobody" };

/** The options of `createApprovalBroker`. */
export interface BrokerOptions {
  /** The most questions that wait at one time; past it the answer is no. @default 256 */
  readonly maxPending?: number;
  /** Hears of answers that did not count, beside the audit records of the sandboxes that they can be about. */
  readonly onRefused?: (answer: RefusedAnswer) => void;
}

/** Holds questions until somebody answers them by their ids. Each is answered once. */
export interface ApprovalBroker {
  /** The approver of `createSandbox`; one broker may serve many sandboxes. */
  readonly approve: Approver;
  /** The questions that wait, the oldest first. */
  list(): readonly ApprovalQuestion[];
  /**
   * Answers a question.
   *
   * @throws {SandboxError} APPROVAL_REFUSED If nobody waits for it (any more). It is recorded.
   * @throws {SandboxError} ARGUMENT_INVALID If it is no answer; the question goes on waiting.
   */
  answer(id: string, answer: ApprovalAnswer | boolean): void;
  /** Says that an answer was none of a known person, or was sent before. It is recorded; the question goes on waiting. */
  refuse(answer: RefusedAnswer): void;
  /** The oldest question that waits, now or when there is one. Rejects with the signal's reason. */
  wait(options?: { readonly signal?: AbortSignal }): Promise<ApprovalQuestion>;
  /** Calls `listener` for every event from now on; returns what stops it. */
  watch(listener: (event: BrokerEvent) => void): () => void;
}

interface Waiting {
  readonly question: ApprovalQuestion;
  readonly context: ApprovalContext;
  readonly resolve: (answer: ApprovalAnswer | boolean | undefined) => void;
}

const PENDING_MAX = 256;
/** So many answered questions are remembered, to know a second answer from a forged one. */
const SETTLED_MAX = 1024;

/**
 * Makes a broker: an approver whose questions are listed and answered by id.
 *
 * Shape: questions are plain data. An answer to a question that is not waiting is refused with `APPROVAL_REFUSED`, and is an
 * `approval.refused` record: in the audit of the sandbox that had asked, or, where no question ever had the id, in those of all
 * sandboxes that wait for an answer.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If `maxPending` is no whole number above 0.
 *
 * @example
 * ```ts
 * import { createApprovalBroker } from "cofferdam";
 *
 * const broker = createApprovalBroker();
 * broker.watch((event) => {
 *   if (event.kind === "pending") broker.answer(event.question.id, { verdict: "deny", by: "night watch" });
 * });
 * // createSandbox(policy, { approve: broker.approve })
 * ```
 */
export function createApprovalBroker(options: BrokerOptions = {}): ApprovalBroker {
  const { maxPending = PENDING_MAX } = options;
  if (!Number.isInteger(maxPending) || maxPending < 1) {
    throw new SandboxError("ARGUMENT_INVALID", `Cannot hold ${maxPending} questions`, {
      details: { argument: "maxPending", value: maxPending },
      hint: "Give a whole number above 0",
    });
  }
  return new Broker(maxPending, options.onRefused);
}

class Broker implements ApprovalBroker {
  readonly #maxPending: number;
  readonly #onRefused: ((answer: RefusedAnswer) => void) | undefined;
  readonly #waiting = new Map<string, Waiting>();
  readonly #settled = new Map<string, { readonly context: ApprovalContext; readonly why: "double" | "late" }>();
  readonly #listeners = new Set<(event: BrokerEvent) => void>();

  constructor(maxPending: number, onRefused: ((answer: RefusedAnswer) => void) | undefined) {
    this.#maxPending = maxPending;
    this.#onRefused = onRefused;
  }

  readonly approve: Approver = (request, context) => {
    if (this.#waiting.size >= this.#maxPending)
      return { verdict: "deny", reason: "too many questions wait for an answer" };
    if (context.signal.aborted) return undefined;
    const question = questionOf(request, context);
    return new Promise((resolve) => {
      this.#waiting.set(question.id, { question, context, resolve });
      context.signal.addEventListener("abort", () => this.#gone(question.id), { once: true });
      this.#tell({ kind: "pending", question });
    });
  };

  list(): readonly ApprovalQuestion[] {
    return [...this.#waiting.values()].map(({ question }) => question);
  }

  answer(id: string, answer: ApprovalAnswer | boolean): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) {
      const by = typeof answer === "object" && typeof answer?.by === "string" ? { by: answer.by } : {};
      throw this.#refused({ id, why: this.#settled.get(id)?.why ?? "unknown", ...by });
    }
    if (readApproval(answer, waiting.question.scopes) === undefined) {
      throw new SandboxError("ARGUMENT_INVALID", `Cannot answer question ${JSON.stringify(id)} so: it is no answer`, {
        details: { argument: "answer" },
        hint: 'Give { verdict: "allow" } or { verdict: "deny" }, with scope, by and reason where they matter',
      });
    }
    this.#settle(waiting, "double");
    waiting.resolve(answer);
    this.#tell({ kind: "settled", id, by: "answer" });
  }

  refuse(answer: RefusedAnswer): void {
    this.#refused(answer);
  }

  wait({ signal }: { readonly signal?: AbortSignal } = {}): Promise<ApprovalQuestion> {
    const [first] = this.#waiting.values();
    if (first !== undefined) return Promise.resolve(first.question);
    return new Promise((resolve, reject) => {
      const stop = this.watch((event) => {
        if (event.kind !== "pending") return;
        end();
        resolve(event.question);
      });
      const abort = () => {
        end();
        reject(signal?.reason);
      };
      const end = () => {
        stop();
        signal?.removeEventListener("abort", abort);
      };
      if (signal?.aborted) abort();
      else signal?.addEventListener("abort", abort, { once: true });
    });
  }

  watch(listener: (event: BrokerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #gone(id: string): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#settle(waiting, "late");
    waiting.resolve(undefined);
    this.#tell({ kind: "settled", id, by: "nobody" });
  }

  #settle({ question: { id }, context }: Waiting, why: "double" | "late"): void {
    this.#waiting.delete(id);
    this.#settled.set(id, { context, why });
    for (const oldest of this.#settled.keys()) {
      if (this.#settled.size <= SETTLED_MAX) break;
      this.#settled.delete(oldest);
    }
  }

  #refused(answer: RefusedAnswer): SandboxError<"APPROVAL_REFUSED"> {
    const { id, why } = answer;
    const own = this.#waiting.get(id)?.context ?? this.#settled.get(id)?.context;
    // One for each sandbox, however many of its questions wait.
    const others = new Map([...this.#waiting.values()].map(({ context }) => [context.sandbox, context]));
    for (const context of own === undefined ? others.values() : [own]) context.refused(answer);
    this.#onRefused?.(answer);
    return new SandboxError("APPROVAL_REFUSED", `Cannot answer question ${JSON.stringify(id)}: ${WORDS[why]}`, {
      details: { question: id, why },
      hint: "Look at the questions that wait",
    });
  }

  #tell(event: BrokerEvent): void {
    // A listener that throws must not keep a question from being held, nor an answer from being given.
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

const WORDS: Readonly<Record<RefusedAnswer["why"], string>> = {
  late: "nobody waits for its answer any more",
  double: "it was answered already",
  unknown: "there is no such question",
  forged: "the answer does not prove where it comes from",
  replayed: "the answer was sent before",
};
