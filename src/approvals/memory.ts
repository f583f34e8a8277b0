/**
 * Answers that hold for longer than one question: until the sandbox ends, or its policy is changed.
 *
 * @module
 */

/** An answer that was given. */
export interface GivenAnswer {
  readonly allowed: boolean;
  readonly reason: string;
  /** Who, when, how far, and to which question. */
  readonly by: string;
  readonly at: string;
  readonly scope: string;
  readonly question: string;
}

/** Hears the answer to a question that was asked meanwhile. */
export type AnswerListener = (answer: GivenAnswer) => void;

/** So many are kept. Past it the oldest are forgotten, which means that they are asked again. */
const KEPT_MAX = 4096;

/** The answers of one sandbox. */
export class ApprovalMemory {
  readonly #answers = new Map<string, GivenAnswer>();
  readonly #waiting = new Map<string, Set<AnswerListener>>();
  #generation = 1;

  /** Changes with the policy. */
  get generation(): number {
    return this.#generation;
  }

  /** What was answered to these facts. */
  recall(facts: string): GivenAnswer | undefined {
    return this.#answers.get(facts);
  }

  /** Keeps an answer, and tells whoever waits for one to the same facts. One that was asked under another policy is not kept. */
  remember(facts: string, answer: GivenAnswer, generation: number): void {
    if (generation !== this.#generation) return;
    this.#answers.delete(facts);
    this.#answers.set(facts, answer);
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= KEPT_MAX) break;
      this.#answers.delete(oldest);
    }
    const waiting = this.#waiting.get(facts) ?? [];
    this.#waiting.delete(facts);
    for (const tell of waiting) tell(answer);
  }

  /** Somebody is being asked; the result ends the wait. */
  expect(facts: string, listener: AnswerListener): () => void {
    const waiting = this.#waiting.get(facts) ?? new Set();
    this.#waiting.set(facts, waiting.add(listener));
    return () => {
      waiting.delete(listener);
      if (waiting.size === 0 && this.#waiting.get(facts) === waiting) this.#waiting.delete(facts);
    };
  }

  /** Another policy is in force: what was said under the last one says nothing about it. */
  policyChanged(): void {
    this.#generation++;
    this.#answers.clear();
    this.#waiting.clear();
  }
}
