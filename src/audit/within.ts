/**
 * Waiting with an end.
 *
 * @module
 */
import { setTimeout } from "node:timers/promises";

/** Whether a promise, which must never reject, settles within so many milliseconds. */
export async function settlesWithin(milliseconds: number, promise: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController();
  const late = setTimeout(milliseconds, false, { signal: timer.signal }).catch(() => false);
  const settled = await Promise.race([promise.then(() => true), late]);
  timer.abort();
  return settled;
}
