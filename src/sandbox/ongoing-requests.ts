/**
 * Requests under way, and what followed from them: cut off when another policy would not let them go on.
 *
 * @module
 */
import type { HttpFacts, HttpRuling, RequestNeeds } from "../policy/core.ts";
import { isStillAllowed } from "./request-rulings.ts";

/** What the policy in force says. */
interface Judging {
  judge(facts: HttpFacts): HttpRuling;
  needs?(facts: HttpFacts): RequestNeeds;
}

/** Knows what goes on. */
export class OngoingRequests {
  readonly #checks = new Set<() => void>();

  /** Another policy is in force. */
  policyChanged(): void {
    for (const check of this.#checks) check();
  }

  /**
   * A request that was allowed goes on, and is cut off where it is not any more. The result ends that.
   *
   * @param facts Without what it says: where the new rules are about that, the ones it was judged by hold.
   */
  allowed(connection: Judging, facts: HttpFacts, cut: (now: HttpRuling) => void): () => void {
    const before = connection.judge(facts);
    const check = () => {
      if (connection.needs?.(facts).content !== undefined) return;
      const now = connection.judge(facts);
      if (!isStillAllowed(before, now)) cut(now);
    };
    // It may have changed since it was judged.
    check();
    return this.#add(check);
  }

  /** Something goes on whose messages nobody judges, and is cut off where somebody has to. The result ends that. */
  unjudged(connection: Judging, facts: HttpFacts, cut: () => void): () => void {
    return this.#add(() => {
      if (connection.needs?.(facts).messages) cut();
    });
  }

  #add(check: () => void): () => void {
    this.#checks.add(check);
    return () => this.#checks.delete(check);
  }
}
