/**
 * Plain data that nobody changes any more.
 *
 * @module
 */

/** Freezes a value all the way down, and gives it back. */
export function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  Object.freeze(value);
  for (const child of Object.values(value)) frozen(child);
  return value;
}
