/**
 * Equal allows of connections and requests as few records: the first one at once, and those that follow it within a moment
 * as one with their number. The warden does the same with those of files (records.c).
 *
 * @module
 */
import type { Decision } from "../audit/mod.ts";
import type { DecisionRecords } from "./decisions.ts";

type Decided = Omit<Decision, "kind">;

/** Those that came after the first. */
interface Following {
  decision: Decided;
  count: number;
  timer: NodeJS.Timeout;
}

/** How long equal ones are counted together, in milliseconds. */
const TOGETHER_MS = 1000;

/** So many different ones are counted at one time. */
const KEYS_MAX = 512;

/** Records what it is told, and counts what the policy by itself allows again and again. */
export class CountedAllows implements DecisionRecords {
  readonly #records: DecisionRecords;
  readonly #following = new Map<string, Following>();

  constructor(records: DecisionRecords) {
    this.#records = records;
  }

  decision(decision: Decided): void {
    const { verdict, decidedBy } = decision;
    if (verdict !== "allow" || decidedBy.kind !== "policy") {
      this.#records.decision(decision);
      return;
    }
    const key = keyOf(decision);
    const following = this.#following.get(key);
    if (following !== undefined) {
      if (following.count === 0) following.decision = decision;
      following.count++;
      return;
    }
    this.#records.decision(decision);
    if (this.#following.size >= KEYS_MAX) return;
    const timer = setTimeout(() => this.#tell(key), TOGETHER_MS);
    timer.unref();
    this.#following.set(key, { decision, count: 0, timer });
  }

  problem(error: Error): void {
    this.#records.problem(error);
  }

  /** Records what was counted so far: another policy comes, or the end. */
  flush(): void {
    for (const key of [...this.#following.keys()]) this.#tell(key);
  }

  #tell(key: string): void {
    const following = this.#following.get(key);
    this.#following.delete(key);
    if (following === undefined) return;
    clearTimeout(following.timer);
    const { decision, count } = following;
    if (count > 0) this.#records.decision(count > 1 ? { ...decision, count } : decision);
  }
}

/** All that a reader would tell two of them apart by, but for the time and the number of the process. */
function keyOf({ operation, object, ruleId, reason, subject }: Decided): string {
  return JSON.stringify([operation, object, ruleId, reason, subject?.binary, subject?.sha256, subject?.ancestors]);
}
