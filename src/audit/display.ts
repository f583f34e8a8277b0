/**
 * Text that a sandbox chose, made fit for a terminal.
 *
 * @module
 */

/** Controls, format characters such as bidi overrides, lone surrogates, line separators, all that is invisible, `\`. */
const UNSAFE = /[\\\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

const SHORT: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * Escapes whatever could move a terminal's cursor, start an ANSI sequence, reorder what is shown, or not show at all.
 *
 * Shape: one line; `\n`, `\r`, `\t`, `\\`, else `\u{...}` with the code point in hexadecimal. Two different texts never
 * become the same one. The length is not bounded.
 *
 * @example
 * ```ts
 * import { displaySafe } from "cofferdam";
 *
 * console.log(displaySafe("evil\u001b[2Jname\u202etxt")); // evil\u{1b}[2Jname\u{202e}txt
 * ```
 */
export function displaySafe(text: string): string {
  return text.replace(UNSAFE, (character) => SHORT[character] ?? codePoint(character));
}

/** The same, but for what a text of several lines needs: its tabs and line ends, and `\` as it is. */
const UNSAFE_IN_LINES = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Text of several lines, such as a diff or a message, for people: it may be shown in a terminal. Tabs and line ends stay. */
export function escapeControl(text: string): string {
  return text.replace(UNSAFE_IN_LINES, codePoint);
}

function codePoint(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
