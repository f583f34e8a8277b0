/**
 * Whether one glob stands for no more than another: never wrongly yes, sometimes wrongly no.
 *
 * @module
 */

import { compileGlob, type GlobSeparator, isLiteral, unescapeGlob } from "./glob.ts";

/** Whether everything that `narrow` matches, and everything below it, is matched by `wide` or lies below such a match. */
export function coversTree(wide: string, narrow: string): boolean {
  return wide === narrow || contains(segmentsOf(wide), segmentsOf(narrow), true);
}

/** Whether everything that `narrow` matches is matched by `wide`. */
export function coversMatches(wide: string, narrow: string): boolean {
  return wide === narrow || contains(segmentsOf(wide), segmentsOf(narrow), false);
}

/** The same for texts other than paths, whose segments may be empty: hosts (`.`), URL paths, arguments. */
export function coversText(wide: string, narrow: string, separator: GlobSeparator = "/"): boolean {
  return wide === narrow || contains(wide.split(separator), narrow.split(separator), false);
}

/** Whether something that `a` matches may lie at or below something that `b` matches, or the other way about. */
export function mayMeet(a: string, b: string): boolean {
  const left = segmentsOf(a);
  const right = segmentsOf(b);
  for (const [index, segment] of left.entries()) {
    const other = right[index];
    if (other === undefined || segment === "**" || other === "**") return true;
    if (!isLiteral(segment) || !isLiteral(other)) continue;
    if (unescapeGlob(segment) !== unescapeGlob(other)) return false;
  }
  return true;
}

/** A separator cannot be escaped. The root has no segments. */
function segmentsOf(pattern: string): string[] {
  return pattern.replace(/^\//, "").split("/").filter(Boolean);
}

/**
 * `reached[j]`: the rest of `narrow` from `j` on is contained in the rest of `wide`, worked out from the end. `tree`:
 * whatever follows a match of all of `wide` is contained too.
 */
function contains(wide: readonly string[], narrow: readonly string[], tree: boolean): boolean {
  let below = narrow.map(() => tree).concat(true);
  for (const segment of [...wide].reverse()) {
    const reached: boolean[] = new Array(narrow.length + 1).fill(false);
    for (let at = narrow.length; at >= 0; at--) {
      const other = narrow[at];
      if (segment === "**") reached[at] = below[at] === true || (other !== undefined && reached[at + 1] === true);
      else if (other !== undefined) reached[at] = acceptsSegment(segment, other) && below[at + 1] === true;
    }
    below = reached;
  }
  return below[0] === true;
}

function acceptsSegment(wide: string, narrow: string): boolean {
  if (wide === narrow) return true;
  if (wide === "*") return narrow !== "**" && narrow !== "";
  // With a slash before, for a leading "!" has a meaning.
  return narrow !== "**" && isLiteral(narrow) && compileGlob(`/${wide}`)(`/${unescapeGlob(narrow)}`);
}
