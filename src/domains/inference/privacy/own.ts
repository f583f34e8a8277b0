/**
 * What an owner looks for: regular expressions, which an engine without backtracking runs, and functions.
 *
 * @module
 */
import type { PrivacyPattern } from "../../../policy/core.ts";
import { BUILT_IN } from "./built-in.ts";
import { type FindSpans, inSlices, type Span } from "./spans.ts";

/**
 * Says where something stands in a text: places from their first character to before their last, `true` for all of it. What it
 * throws, or what takes longer than five seconds, is a denial.
 */
export type PatternFunction = (
  text: string,
) => PatternPlaces | boolean | undefined | PromiseLike<PatternPlaces | boolean | undefined>;

/** Places in a text. */
export type PatternPlaces = readonly (readonly [start: number, end: number])[];

/** Functions by name. */
export type PatternTable = Readonly<Record<string, PatternFunction>>;

const FUNCTION_MS = 5000;

/** Makes a finder. @throws {Error} If a function is not there, or an expression cannot be compiled. */
export async function finderOf(pattern: PrivacyPattern, functions: PatternTable): Promise<FindSpans> {
  if (typeof pattern === "string") return BUILT_IN[pattern];
  if ("regex" in pattern) return regexFinder(pattern.regex);
  const given = Object.hasOwn(functions, pattern.function) ? functions[pattern.function] : undefined;
  if (given === undefined) throw new Error(`there is no function ${JSON.stringify(pattern.function)}`);
  return (text) => ask(given, text);
}

/** It takes time in proportion to the text, whatever both are. */
async function regexFinder(source: string): Promise<FindSpans> {
  // Most policies never need it.
  const { RE2JS } = await import("re2js");
  const expression = RE2JS.compile(source);
  const find = (text: string): Span[] => {
    const spans: Span[] = [];
    const matcher = expression.matcher(text);
    while (matcher.find()) if (matcher.end() > matcher.start()) spans.push([matcher.start(), matcher.end()]);
    return spans;
  };
  return (text) => inSlices(text, find);
}

async function ask(find: PatternFunction, text: string): Promise<Span[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("it took too long")), FUNCTION_MS);
  });
  try {
    return places(await Promise.race([find(text), late]), text);
  } finally {
    clearTimeout(timer);
  }
}

function places(found: unknown, text: string): Span[] {
  if (found === undefined || found === false) return [];
  if (found === true) return [[0, text.length]];
  if (!Array.isArray(found)) throw new Error("it gave no places");
  return found.map((place: unknown): Span => {
    const [start, end] = Array.isArray(place) ? (place as unknown[]) : [];
    const isSound = Number.isInteger(start) && Number.isInteger(end);
    if (!isSound || Number(start) < 0 || Number(end) > text.length || Number(start) >= Number(end)) {
      throw new Error("it gave a place that is none");
    }
    return [Number(start), Number(end)];
  });
}
