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
  const given = new URLSearchParams(query);
  for (const [name, matches] of matcher) {
    const values = given.getAll(name);
    if (values.length === 0 || !values.every(matches)) return false;
  }
  return true;
}

/** Whether every parameter that a denial names has a value that matches, also for a server that splits at `;`. */
export function matchesSome(matcher: QueryMatcher, query: string): boolean {
  const splits = [query, query.replaceAll(";", "&")].map((text) => new URLSearchParams(text));
  return [...matcher].every(([name, matches]) => splits.some((given) => given.getAll(name).some(matches)));
}
