/**
 * What was used, and what calls under way will use at least.
 *
 * @module
 */
import type { InferenceLimits } from "../../../policy/core.ts";
import { CallFailure } from "../router/errors.ts";

/** A part of a budget that is counted up. */
export type CountedLimit = "tokens" | "usd";

/** The share of a limit from which on is warned. */
const NEAR = 0.8;

const MINUTE_MS = 60_000;

/** One account: of the sandbox, or of its calls to one provider. */
export class Account {
  /** As a sentence's subject. */
  readonly owner: string;
  readonly #used: Record<CountedLimit, number> = { tokens: 0, usd: 0 };
  readonly #reserved: Record<CountedLimit, number> = { tokens: 0, usd: 0 };
  /** When the calls of the last minute began. */
  #calls: number[] = [];

  constructor(owner: string) {
    this.owner = owner;
  }

  /** Counts a call. @throws {CallFailure} If there is nothing left for it. */
  enter(limits: InferenceLimits): void {
    for (const limit of ["tokens", "usd"] as const) {
      const of = limits[limit];
      if (of === undefined || this.#used[limit] + this.#reserved[limit] < of) continue;
      throw new CallFailure(
        "budget",
        `${this.owner} has used its budget of ${amount(limit, of)}: no more calls are made`,
        { denied: true },
      );
    }
    const now = performance.now();
    const { callsPerMinute } = limits;
    this.#calls = this.#calls.filter((time) => now - time < MINUTE_MS);
    const [first = now] = this.#calls.slice(-(callsPerMinute ?? 1));
    if (callsPerMinute !== undefined && this.#calls.length >= callsPerMinute) {
      const wait = Math.max(1, Math.ceil((first + MINUTE_MS - now) / 1000));
      throw new CallFailure("rate", `${this.owner} may make ${callsPerMinute} calls in a minute: wait ${wait} s`, {
        denied: true,
        headers: [["retry-after", String(wait)]],
      });
    }
    this.#calls.push(now);
  }

  reserve(limit: CountedLimit, value: number): void {
    this.#reserved[limit] += value;
  }

  use(limit: CountedLimit, value: number): void {
    this.#used[limit] += value;
  }

  used(limit: CountedLimit): number {
    return this.#used[limit];
  }

  /** How far a limit is used, if it is near its end. */
  near(limits: InferenceLimits, limit: CountedLimit): number | undefined {
    const of = limits[limit];
    const share = of === undefined ? 0 : (this.#used[limit] + this.#reserved[limit]) / of;
    return share >= NEAR ? share : undefined;
  }
}

function amount(limit: CountedLimit, value: number): string {
  return limit === "usd" ? `${value} US dollars` : `${value} tokens`;
}
