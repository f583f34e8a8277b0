/**
 * The safe template: shell source with values that never become source.
 *
 * @module
 */
import { invalid } from "./arguments.ts";
import type { Text } from "./types.ts";

/** What may stand in a template: a list becomes one argument for each element. */
export type TemplateValue = Text | number | bigint | boolean | readonly (Text | number | bigint | boolean)[];

/**
 * The argument vector for a template. Values are handed to the shell as positional parameters, in double quotes.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If a value stands inside quotes, a comment or a here-document of the source.
 */
export function templateArgv(strings: readonly string[], values: readonly TemplateValue[]): Text[] {
  const parameters: Text[] = [];
  let script = strings[0] ?? "";
  refuseUnquotable(script, 0);
  values.forEach((value, index) => {
    const words = Array.isArray(value) ? value : [value];
    script += words.map((word) => `"\${${parameters.push(toText(word))}}"`).join(" ");
    const next = strings[index + 1] ?? "";
    script += next;
    if (index + 1 < values.length) refuseUnquotable(strings.slice(0, index + 2).join("\0"), index + 1);
  });
  return ["/bin/sh", "-c", script, "sh", ...parameters];
}

function toText(value: unknown): Text {
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return String(value);
  throw invalid("sh", `Cannot put a ${value === null ? "null" : typeof value} into a command`, value, "Give a string or a number");
}

/** Refuses the places where a parameter in double quotes would mean something else. `\0` stands for earlier values. */
function refuseUnquotable(source: string, index: number): void {
  const place = placeAtEnd(source);
  if (place === undefined) return;
  throw invalid("sh", `Cannot put value ${index + 1} of the template into ${place}`, source.replaceAll("\0", "${...}"), "Write ${value} by itself, without quotes around it: it is quoted for you");
}

function placeAtEnd(source: string): string | undefined {
  let at = 0;
  let wordStart = true;
  while (at < source.length) {
    const character = source[at] as string;
    if (character === "\\") {
      if (at + 1 >= source.length) return "an escape";
      at += 2;
      wordStart = false;
      continue;
    }
    if (character === "`") return "a command that uses `...`; write $(...)";
    if (character === "<" && source[at + 1] === "<") return "a command with a here-document";
    const end = quotedEnd(source, at, wordStart);
    if (end === undefined) return character === "#" ? "a comment" : "quotes";
    wordStart = /[\s;&|()]/.test(character);
    at = end;
  }
  // "$" or "${" right before a value would join with it.
  return /\$\{?$/.test(source) ? "an expansion" : undefined;
}

/** Where what begins at `at` ends; undefined if the source ends first. */
function quotedEnd(source: string, at: number, wordStart: boolean): number | undefined {
  const character = source[at];
  if (character === "'") {
    const end = source.indexOf("'", at + 1);
    return end < 0 ? undefined : end + 1;
  }
  if (character === "#" && wordStart) {
    const end = source.indexOf("\n", at);
    return end < 0 ? undefined : end;
  }
  if (character !== '"') return at + 1;
  for (let next = at + 1; next < source.length; next++) {
    if (source[next] === "\\") next++;
    else if (source[next] === '"') return next + 1;
  }
  return undefined;
}
