/**
 * What was counted in a sliding stretch of time, for each of many keys.
 *
 * @module
 */

/** So many in a stretch of time. */
export interface Rate {
  readonly max: number;
  /** In milliseconds: a sliding one. @default 60000 */
  readonly windowMs?: number;
  /** What is counted by itself: of hosts and programs at most 4096 in the stretch of time. @default "sandbox" */
  readonly per?: "sandbox" | "host" | "program";
}

/** Why something was not counted. */
export interface TooMany {
  readonly reason: string;
  /** How long until there is room, in milliseconds. */
  readonly waitMs: number;
}

/** How many keys are counted at one time: whoever chooses names could have any number of them. */
export const KEYS_MAX: number = 4096;
const WINDOW_MS = 60_000;

/** Counts. What is still in its stretch of time is never forgotten: past the bound new keys are refused. */
export class RateCounter {
  readonly #max: number;
  readonly #windowMs: number;
  readonly #per: Rate["per"];
  readonly #what: string;
  /** When each key was counted; the one that was counted last is the last. */
  readonly #taken = new Map<string, number[]>();

  /** @param what as people call it, for instance `requests`. */
  constructor({ max, windowMs = WINDOW_MS, per }: Rate, what: string) {
    if (!Number.isInteger(max) || max < 1 || !(windowMs > 0))
      throw new TypeError("A rate needs a whole max above 0, and a time");
    this.#max = max;
    this.#windowMs = windowMs;
    this.#per = per;
    this.#what = what;
  }

  /** What of a connection is counted by itself. */
  keyOf({ host, binary }: { readonly host: string; readonly binary: string }): string {
    return this.#per === "host" ? host : this.#per === "program" ? binary : "";
  }

  /** Counts one more; undefined: there was room for it. */
  take(key: string): TooMany | undefined {
    const now = Date.now();
    this.#forgetBefore(now - this.#windowMs);
    const known = this.#taken.get(key);
    if (known === undefined && this.#taken.size >= KEYS_MAX) {
      const [oldest = []] = this.#taken.values();
      return this.#tooMany(KEYS_MAX, `${this.#per}s`, oldest.at(-1) ?? now, now);
    }
    const times = (known ?? []).filter((at) => at > now - this.#windowMs);
    if (times.length >= this.#max) return this.#tooMany(this.#max, this.#what, times[0] ?? now, now);
    times.push(now);
    this.#taken.delete(key);
    this.#taken.set(key, times);
    return undefined;
  }

  #forgetBefore(time: number): void {
    for (const [key, times] of this.#taken) {
      if ((times.at(-1) ?? 0) > time) return;
      this.#taken.delete(key);
    }
  }

  #tooMany(most: number, what: string, until: number, now: number): TooMany {
    const reason = `more than ${most} ${what} in ${this.#windowMs / 1000} s`;
    return { reason, waitMs: Math.max(1, until + this.#windowMs - now) };
  }
}
