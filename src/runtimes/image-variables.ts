/**
 * The variables that an image says its programs start with.
 *
 * @module
 */

/** From `NAME=value` entries. What no environment can hold is left out: it would fail every command. */
export function imageVariables(entries: readonly string[]): Record<string, string> {
  const pairs = entries.map((entry): [string, string] => {
    const at = entry.indexOf("=");
    return at < 0 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)];
  });
  // From entries: a plain assignment to `__proto__` would be lost.
  return Object.fromEntries(pairs.filter(([name, value]) => name !== "" && !`${name}${value}`.includes("\0")));
}
