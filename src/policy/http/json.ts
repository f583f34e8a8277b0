/**
 * JSON that all parsers read in one way; anything else is a problem, not a guess.
 *
 * Source: RFC 8259 §4 (names should be unique), RFC 7493 (I-JSON).
 *
 * @module
 */

/** A value of JSON. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** An object of JSON. */
export interface JsonObject {
  readonly [name: string]: Json;
}

/** Why something cannot be judged, as the end of a sentence. */
export interface ContentProblem {
  readonly problem: string;
}

/** The most levels of arrays and objects. */
const DEPTH_MAX = 64;

/** A text of UTF-8 without a byte order mark. */
export function readText(bytes: Uint8Array): { readonly text: string } | ContentProblem {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.startsWith("\ufeff") ? { problem: "it begins with a byte order mark" } : { text };
  } catch {
    return { problem: "it is not UTF-8" };
  }
}

/**
 * Reads JSON. Refused is what parsers read differently: names that come twice, also where only their case differs (Go's
 * parser folds it), halves of surrogate pairs, and nesting that exhausts a stack.
 */
export function readJson(text: string): { readonly value: Json } | ContentProblem {
  const deep = nests(text);
  if (deep) return { problem: `its JSON nests more than ${DEPTH_MAX} levels` };
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return { problem: "it is not JSON" };
  }
  const problem = namesProblem(text);
  return problem === undefined ? { value } : { problem };
}

/** Whether a value is an object. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A member, if the object has it itself. */
export function member(value: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

/** As parsers compare names that do not look at case. */
export function foldName(name: string): string {
  if (/^[a-z0-9_$.-]*$/.test(name)) return name;
  // Both ways: "ſ" and the Kelvin sign fold in one of them only.
  return name.toUpperCase().toLowerCase();
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function nests(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) at = endOfString(text, at);
    else if (char === 0x7b || char === 0x5b) depth++;
    else if (char === 0x7d || char === 0x5d) depth--;
    if (depth > DEPTH_MAX) return true;
  }
  return false;
}

/** Where the string that begins at `at` has its closing quote. */
function endOfString(text: string, at: number): number {
  let end = at + 1;
  while (end < text.length && text.charCodeAt(end) !== QUOTE) end += text.charCodeAt(end) === BACKSLASH ? 2 : 1;
  return end;
}

/** Walks a text that is known to be JSON. */
function namesProblem(text: string): string | undefined {
  // An entry for each open array (false) and object; a set only where there are names.
  const open: (Set<string> | boolean)[] = [];
  let isName = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) {
      const end = endOfString(text, at);
      const token = text.slice(at, end + 1);
      const isEscaped = token.includes("\\");
      const string = isEscaped ? (JSON.parse(token) as string) : token.slice(1, -1);
      // A decoded text has none but those that are written as escapes.
      if (isEscaped && /\p{Surrogate}/u.test(string)) return "its JSON has half of a surrogate pair";
      if (isName && !takeName(open, foldName(string))) return "its JSON has a name twice in one object";
      isName = false;
      at = end;
    } else if (char === 0x7b || char === 0x5b) {
      isName = char === 0x7b;
      open.push(isName);
    } else if (char === 0x7d || char === 0x5d) {
      open.pop();
    } else if (char === 0x2c) {
      isName = open.at(-1) !== false;
    }
  }
  return undefined;
}

function takeName(open: (Set<string> | boolean)[], name: string): boolean {
  const top = open.at(-1);
  const names = top instanceof Set ? top : new Set<string>();
  if (names.has(name)) return false;
  names.add(name);
  open[open.length - 1] = names;
  return true;
}
