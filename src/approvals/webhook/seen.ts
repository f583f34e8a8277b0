/**
 * Messages that came before: each counts once.
 *
 * @module
 */
import { TOLERANCE_MS } from "./signature.ts";

const SEEN_MAX = 10_000;

/** Remembers ids for as long as their signatures hold. */
export class SeenIds {
  readonly #until = new Map<string, number>();

  /** Takes a new one: `full` where too many came lately for anybody to tell. */
  take(id: string, now: number = Date.now()): "new" | "seen" | "full" {
    for (const [oldest, until] of this.#until) {
      if (until > now) break;
      this.#until.delete(oldest);
    }
    if (this.#until.has(id)) return "seen";
    if (this.#until.size >= SEEN_MAX) return "full";
    // It may have been signed as far ahead as it may be late.
    this.#until.set(id, now + 2 * TOLERANCE_MS);
    return "new";
  }
}
