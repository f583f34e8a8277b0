/**
 * The hunks of a unified diff of two texts (Latin-1 strings).
 *
 * @module
 */
import { structuredPatch } from "diff";

/** Past so many edits a difference is shown as everything replaced: finding a small one takes time that grows with its square. */
const EDITS_MAX = 1000;
/** Longer texts are not compared line by line. */
const TEXT_CHARACTERS_MAX = 8 * 1024 * 1024;

/** The hunks, each line ended. Empty if the texts are equal. */
export function unifiedHunks(before: string, after: string, contextLines: number): string {
  if (before === after) return "";
  const small = before.length + after.length <= TEXT_CHARACTERS_MAX;
  const patch = small
    ? structuredPatch("a", "b", before, after, undefined, undefined, {
        context: contextLines,
        maxEditLength: EDITS_MAX,
      })
    : undefined;
  if (patch === undefined) return replaced(before, after);
  return patch.hunks
    .map(({ oldStart, oldLines, newStart, newLines, lines }) => {
      // An empty side begins before the first line; jsdiff counts from one.
      const old = range(oldStart, oldLines);
      return `@@ -${old} +${range(newStart, newLines)} @@\n${lines.map((line) => `${line}\n`).join("")}`;
    })
    .join("");
}

function range(start: number, lines: number): string {
  if (lines === 0) return `${Math.max(0, start - 1)},0`;
  return lines === 1 ? String(start) : `${start},${lines}`;
}

/** Everything out, everything in: correct, if not small. */
function replaced(before: string, after: string): string {
  const [old, fresh] = [linesOf(before), linesOf(after)];
  const head = `@@ -${range(1, old.length)} +${range(1, fresh.length)} @@\n`;
  return head + marked("-", old) + marked("+", fresh);
}

/** The lines with their ends. */
function linesOf(text: string): string[] {
  return text === "" ? [] : (text.match(/[^\n]*\n|[^\n]+$/g) ?? []);
}

function marked(sign: string, lines: readonly string[]): string {
  return lines.map((line) => sign + line + (line.endsWith("\n") ? "" : "\n\\ No newline at end of file\n")).join("");
}
