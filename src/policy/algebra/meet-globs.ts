/**
 * What two globs both match, as globs again. Exact: the dialect is closed under intersection, if several globs are allowed
 * for an answer.
 *
 * @module
 */
import { coversText, coversTree } from "../containment.ts";
import { compileGlob, escapeGlob, type GlobSeparator, isLiteral, unescapeGlob } from "../glob.ts";

/** The answer would be too long, or take too long to find. */
export class TooManyGlobs extends Error {
  override readonly name: string = "TooManyGlobs";
}

/** The most globs of one answer. */
const ANSWERS_MAX = 64;

/** The most places of two patterns that are compared with each other. */
const CELLS_MAX = 250_000;

/** The globs that together match what both globs match. None: nothing is matched by both. */
export function meetGlobs(a: string, b: string, separator: GlobSeparator = "/"): readonly string[] {
  if (coversText(a, b, separator)) return [b];
  if (coversText(b, a, separator)) return [a];
  const met = meetSequences(a.split(separator), b.split(separator), SEGMENTS);
  return pruned(
    met.map((segments) => segments.join(separator)),
    (wide, narrow) => coversText(wide, narrow, separator),
  );
}

/** The same for absolute paths that stand for their whole trees. */
export function meetTrees(a: string, b: string): readonly string[] {
  if (coversTree(a, b)) return [b];
  if (coversTree(b, a)) return [a];
  const segmentsOf = (path: string): string[] => [...path.split("/").filter(Boolean), "**"];
  const met = meetSequences(segmentsOf(a), segmentsOf(b), SEGMENTS);
  return pruned(
    met.map((segments) => `/${segments.join("/")}`.replace(/(?:\/\*\*)+$/, "") || "/"),
    coversTree,
  );
}

/** The same for lists of arguments, in which `**` stands for any number of them. */
export function meetArguments(a: readonly string[], b: readonly string[]): readonly (readonly string[])[] {
  return meetSequences(a, b, {
    any: "**",
    // Within one argument, "**" alone would stand for several.
    meet: (left, right) => meetGlobs(left, right).map((glob) => (glob === "**" ? "**/**" : glob)),
  });
}

interface Alphabet<T> {
  /** What stands for any number of others. */
  readonly any: T;
  meet(a: T, b: T): readonly T[];
}

/** Characters; null is a star. */
const CHARACTERS: Alphabet<string | null> = { any: null, meet: (a, b) => (a === b ? [a] : []) };

const SEGMENTS: Alphabet<string> = { any: "**", meet: meetSegments };

function meetSegments(a: string, b: string): readonly string[] {
  if (a === b) return [a];
  if (a === "*") return b === "" ? [] : [b];
  if (b === "*") return a === "" ? [] : [a];
  const matches = (pattern: string, text: string) => compileGlob(`/${pattern}`)(`/${unescapeGlob(text)}`);
  if (isLiteral(a)) return matches(b, a) ? [a] : [];
  if (isLiteral(b)) return matches(a, b) ? [b] : [];
  return meetSequences(charactersOf(a), charactersOf(b), CHARACTERS).map((characters) => {
    return characters.reduce<string>((text, each) => text + (each === null ? "*" : escapeGlob(each)), "");
  });
}

function charactersOf(segment: string): (string | null)[] {
  return [...segment.matchAll(/\\(.)|(\*)|(.)/gsu)].map(([, escaped, star, plain]) => {
    return star === undefined ? (escaped ?? plain ?? "") : null;
  });
}

/**
 * `below[j]`: what the rest of `a` and the rest of `b` from `j` on have in common, worked out from the end. Of two that stand
 * for any number, one ends first, and what follows it is met with the other.
 */
function meetSequences<T>(a: readonly T[], b: readonly T[], { any, meet }: Alphabet<T>): T[][] {
  if ((a.length + 1) * (b.length + 1) > CELLS_MAX) throw new TooManyGlobs();
  const after = (first: T, rest: readonly T[][]): T[][] => {
    return rest.map((each) => (first === any && each[0] === any ? each : [first, ...each]));
  };
  let below: T[][][] = [];
  for (let i = a.length; i >= 0; i--) {
    const reached: T[][][] = [];
    const left = a[i];
    for (let j = b.length; j >= 0; j--) {
      const right = b[j];
      const [down, across, both] = [below[j] ?? [], reached[j + 1] ?? [], below[j + 1] ?? []];
      let found: T[][];
      if (i === a.length && j === b.length) found = [[]];
      else if (left === any && right === any) found = [...after(any, down), ...after(any, across)];
      else if (left === any) found = [...down, ...(right === undefined ? [] : after(right, across))];
      else if (right === any) found = [...across, ...(left === undefined ? [] : after(left, down))];
      else if (left === undefined || right === undefined) found = [];
      else found = both.length === 0 ? [] : meet(left, right).flatMap((each) => after(each, both));
      reached[j] = distinct(found);
    }
    below = reached;
  }
  return below[0] ?? [];
}

function distinct<T>(found: T[][]): T[][] {
  if (found.length < 2) return found;
  const kept = [...new Map(found.map((each) => [JSON.stringify(each), each])).values()];
  if (kept.length > ANSWERS_MAX) throw new TooManyGlobs();
  return kept;
}

/** Without those that another stands for as well. */
function pruned(globs: readonly string[], covers: (wide: string, narrow: string) => boolean): readonly string[] {
  const kept = [...new Set(globs)];
  return kept.filter((glob, index) => {
    return !kept.some((other, at) => at !== index && covers(other, glob) && (at < index || !covers(glob, other)));
  });
}
