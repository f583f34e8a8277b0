/**
 * What the command line says: results to the standard output, everything else to the error output.
 *
 * @module
 */
import { styleOf } from "./style.ts";

/** Prints a line of a result. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Prints a result for machines: one document, or one of several lines. */
export function sayJson(value: unknown): void {
  say(JSON.stringify(value));
}

/** Tells the person something beside the result. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** The same, in short and dim. */
export function aside(line: string): void {
  note(styleOf(process.stderr)("dim", line));
}

/** Columns of texts, as wide as they need be; the last one runs on. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, text] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, visible(text));
  }
  return rows.map((row) =>
    row
      .map((text, index) =>
        index === row.length - 1 ? text : text + " ".repeat((widths[index] ?? 0) - visible(text) + 2),
      )
      .join("")
      .trimEnd(),
  );
}

/** How long a text is without its colours. */
function visible(text: string): number {
  return text.replace(COLOURS, "").length;
}

const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g");
