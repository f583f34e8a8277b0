/**
 * "Did you mean": the known key that is nearest to an unknown one.
 *
 * @module
 */

import { distance } from "fastest-levenshtein";

/** No key of the policy is longer; a longer unknown one is not compared. */
const LONGEST = 40;

/**
 * The known key nearest to `key`, in edits and without regard to case.
 *
 * @returns undefined where even the nearest takes more edits than a third of the key, rounded up.
 */
export function nearestKey(key: string, known: readonly string[]): string | undefined {
  if (key.length > LONGEST) return undefined;
  let best: string | undefined;
  let bound = Math.ceil(key.length / 3) + 1;
  for (const candidate of known) {
    const edits = distance(key.toLowerCase(), candidate.toLowerCase());
    if (edits < bound) {
      best = candidate;
      bound = edits;
    }
  }
  return best;
}
