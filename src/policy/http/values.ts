/**
 * Conditions on values of JSON: of arguments of a tool, of parameters of a call, of a message.
 *
 * @module
 */
import type { ValueCondition, ValueConditions, ValueScalar } from "../content-types.ts";
import { compileGlob, isLiteral, unescapeGlob } from "../glob.ts";
import { foldName, isObject, type Json, member } from "./json.ts";

/** Conditions, compiled. */
export interface ValueMatcher {
  /** Whether what every path names is there and matches: for what is allowed. */
  every(root: Json | undefined): boolean;
  /** Whether for every path something matches, or could to a lenient reader: for what is denied. */
  some(root: Json | undefined): boolean;
}

interface ScalarMatcher {
  exactly(value: Json): boolean;
  possibly(value: ValueScalar): boolean;
}

/** Compiles conditions. */
export function compileValues(conditions: ValueConditions): ValueMatcher {
  const compiled = Object.entries(conditions).map(([path, condition]) => {
    return { steps: splitPath(path), matcher: compileScalar(condition) };
  });
  return {
    every: (root) => {
      return compiled.every(({ steps, matcher }) => {
        const values = find(root, steps);
        return values !== undefined && values.length > 0 && values.every((value) => matcher.exactly(value));
      });
    },
    some: (root) => {
      return compiled.every(({ steps, matcher }) => {
        return findAny(root, steps)
          .flatMap(leaves)
          .some((value) => matcher.possibly(value));
      });
    },
  };
}

/** What is wrong with a path, as the end of a sentence. */
export function valuePathProblem(path: string): string | undefined {
  if (path === "" || path.length > 256) return "a path has 1 to 256 characters";
  if (path.replaceAll(/\\[.*\\]/g, "").includes("\\")) return 'a backslash may only stand before ".", "*" or itself';
  if (splitPath(path).some((step) => step === "")) return "a path has no empty name";
  const stars = path.replaceAll(/\\./g, "").split(".");
  return stars.some((step) => step.includes("*") && step !== "*") ? '"*" must stand alone between dots' : undefined;
}

/** A name, or every member and element. */
type Step = string | typeof EVERY;

const EVERY = Symbol("every");

function splitPath(path: string): Step[] {
  const steps: Step[] = [];
  let name = "";
  for (let at = 0; at <= path.length; at++) {
    const char = path[at];
    if (char === undefined || char === ".") {
      const isStar = name === "*" && path[at - 2] !== "\\";
      steps.push(isStar ? EVERY : name);
      name = "";
    } else {
      name += char === "\\" ? (path[++at] ?? "") : char;
    }
  }
  return steps;
}

/** The values at a path; undefined where a branch does not have it. */
function find(root: Json | undefined, steps: readonly Step[]): Json[] | undefined {
  let values: Json[] = root === undefined ? [] : [root];
  for (const step of steps) {
    const next: Json[] = [];
    for (const value of values) {
      const found = step === EVERY ? children(value) : child(value, step);
      if (found === undefined || found.length === 0) return undefined;
      for (const each of found) next.push(each);
    }
    values = next;
  }
  return values;
}

function children(value: Json): readonly Json[] {
  if (Array.isArray(value)) return value as readonly Json[];
  return isObject(value) ? Object.values(value) : [];
}

function child(value: Json, name: string): readonly Json[] | undefined {
  if (Array.isArray(value)) {
    const element = /^(?:0|[1-9]\d{0,8})$/.test(name) ? (value as readonly Json[])[Number(name)] : undefined;
    return element === undefined ? undefined : [element];
  }
  const found = isObject(value) ? member(value, name) : undefined;
  return found === undefined ? undefined : [found];
}

/** As {@link find}, by a reader that does not look at case and takes a list for each of its elements. */
function findAny(root: Json | undefined, steps: readonly Step[]): Json[] {
  let values: Json[] = root === undefined ? [] : [root];
  for (const step of steps) {
    const next: Json[] = [];
    for (const value of values) {
      const found = step === EVERY ? children(value) : lenientChild(value, step);
      for (const each of found) next.push(each);
    }
    values = next;
  }
  return values;
}

function lenientChild(value: Json, name: string): readonly Json[] {
  if (Array.isArray(value)) {
    const own = child(value, name);
    if (own !== undefined) return own;
    return (value as readonly Json[]).flatMap((each) => (isObject(each) ? lenientChild(each, name) : []));
  }
  if (!isObject(value)) return [];
  const folded = foldName(name);
  return Object.entries(value).flatMap(([each, found]) => (foldName(each) === folded ? [found] : []));
}

/** The scalars in a value. JSON from outside nests no deeper than a stack is. */
function leaves(value: Json): ValueScalar[] {
  if (typeof value !== "object" || value === null) return [value];
  return children(value).flatMap(leaves);
}

function compileScalar(condition: ValueCondition): ScalarMatcher {
  if (typeof condition === "string") return compileText(condition);
  if (typeof condition !== "object" || condition === null) return compileExact([condition]);
  if ("in" in condition) return compileExact(condition.in);
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = condition;
  const isWithin = (value: number): boolean => value >= min && value <= max;
  return {
    exactly: (value) => typeof value === "number" && isExact(value) && isWithin(value),
    possibly: (value) => isWithin(typeof value === "string" && value.trim() !== "" ? Number(value) : numberOf(value)),
  };
}

/** Larger ones are another number to another parser. */
function isExact(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

function numberOf(value: ValueScalar): number {
  return typeof value === "number" ? value : Number.NaN;
}

/** A lenient reader takes `"1"` for 1, and `"true"` for true. */
function compileExact(values: readonly ValueScalar[]): ScalarMatcher {
  const texts = new Set(values.map(String));
  return {
    exactly: (value) => values.some((each) => each === value),
    possibly: (value) => texts.has(String(value)),
  };
}

function compileText(glob: string): ScalarMatcher {
  if (isLiteral(glob)) return compileExact([unescapeGlob(glob)]);
  const matches = compileGlob(glob);
  return {
    exactly: (value) => typeof value === "string" && !isSlippery(value) && matches(value),
    possibly: (value) => readingsOf(String(value)).some(matches),
  };
}

/** A text that a reader may take for another one: a path that climbs, or one that ends at a NUL. A star never stands for it. */
function isSlippery(text: string): boolean {
  return text.includes("\0") || /(?:^|[/\\])\.{1,2}(?:[/\\]|$)/.test(text.replace(/^\.\//, ""));
}

function readingsOf(text: string): string[] {
  // Most texts have one, and there may be a hundred thousand.
  if (!/[\0\\.]|\/\/|\/$/.test(text)) return [text];
  const cut = text.split("\0", 1)[0] ?? "";
  return [text, cut, resolved(cut), resolved(cut.replaceAll("\\", "/"))];
}

/** As a path without its `.`, `..` and empty segments. */
function resolved(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") kept.pop();
    else if (segment !== "." && segment !== "") kept.push(segment);
  }
  return `${path.startsWith("/") ? "/" : ""}${kept.join("/")}`;
}
