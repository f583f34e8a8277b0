/**
 * The query of a request against the globs of a rule.
 *
 * @module
 */
import { compileGlob, type GlobMatcher } from "../glob.ts";

/** A query's globs, compiled. */
export type QueryMatcher = ReadonlyMap<string, GlobMatcher>;

/** Compiles them. */
export function compileQuery(query: Readonly<Record<string, string>>): QueryMatcher {
  return new Map(Object.entries(query).map(([name, glob]) => [name, compileGlob(glob)]));
}

/** Whether every parameter that a rule names is there, and each of its values matches: which of them a server takes is its own business. */
export function matchesEvery(matcher: QueryMatcher, query: string): boolean {
  const [plain, split] = splits(query);
  for (const [name, matches] of matcher) {
    const values = [...valuesOf(plain, name), ...valuesOf(split, name)];
    if (!plain.has(name) || !values.every(matches)) return false;
  }
  return true;
}

/** Whether every parameter that a denial names has a value that matches, also for a server that splits at `;`. */
export function matchesSome(matcher: QueryMatcher, query: string): boolean {
  const given = splits(query);
  return [...matcher].every(([name, matches]) => given.some((each) => valuesOf(each, name).some(matches)));
}

/** As servers split it: at `&`, and some at `;` as well. */
function splits(query: string): readonly [URLSearchParams, URLSearchParams] {
  return [new URLSearchParams(query), new URLSearchParams(query.replaceAll(";", "&"))];
}

/** Of a name in any case, and of one that some servers make a list or an object of. */
function valuesOf(given: URLSearchParams, name: string): string[] {
  const wanted = name.toLowerCase();
  return [...given].flatMap(([each, value]) => (each === name || parameterOf(each) === wanted ? [value] : []));
}

/** The plain name behind one that makes a list or an object of it, in any case. */
export function parameterOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/[[.].*$/s, "")
    .trim();
}
