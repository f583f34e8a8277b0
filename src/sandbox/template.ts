/**
 * The safe template: shell source with values that never become source.
 *
 * @module
 */
import { invalid } from "./arguments.ts";
import { ShellScanner } from "./shell-scanner.ts";
import type { Text } from "./types.ts";

/** What may stand in a template: a list becomes one argument for each element. */
export type TemplateValue = Text | number | bigint | boolean | readonly (Text | number | bigint | boolean)[];

/**
 * The argument vector for a template: `/bin/sh -c` with the static parts as its source, in which each value is a
 * positional parameter in double quotes. Whatever bytes it has, a value is one argument, and never source.
 *
 * The static parts are source, escapes of JavaScript applied: what stands there is the author's. A value is safe from the
 * shell, not from the program that gets it: `rm ${name}` with a name of `-rf` is an option of rm; write `rm -- ${name}`.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If a value stands where a word in double quotes would mean something else: in
 * quotes, a comment, a here-document, arithmetic, backticks, or after a `$`.
 */
export function templateArgv(strings: readonly (string | undefined)[], values: readonly TemplateValue[]): Text[] {
  const parameters: Text[] = [];
  const scanner = new ShellScanner();
  const script = strings.map((source, index) => {
    if (source === undefined) {
      throw invalid("sh", "Cannot read a template with a malformed escape", index, "Write \\\\ for a backslash");
    }
    if (index === values.length) return source;
    scanner.feed(source);
    refuse(scanner.place(), index, source);
    scanner.word();
    const words = quotedWords(values[index], parameters);
    return `${source}${words}`;
  });
  return ["/bin/sh", "-c", script.join(""), "sh", ...parameters];
}

function quotedWords(value: unknown, parameters: Text[]): string {
  const words: readonly unknown[] = Array.isArray(value) ? value : [value];
  return words.map((word) => `"\${${parameters.push(toText(word))}}"`).join(" ");
}

function toText(value: unknown): Text {
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return String(value);
  const kind = value === null ? "null" : typeof value;
  throw invalid("sh", `Cannot put a ${kind} into a command`, value, "Give a string or a number");
}

function refuse(place: string | undefined, index: number, source: string): void {
  if (place === undefined) return;
  throw invalid(
    "sh",
    `Cannot put value ${index + 1} of the template into ${place}`,
    source,
    "Let the value stand by itself, without quotes around it: it is quoted for you",
  );
}
