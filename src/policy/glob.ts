/**
 * The one glob dialect, for paths, URL paths, binaries and model names (segments between `/`) and for hosts (labels
 * between `.`).
 *
 * - `*` stands for any characters of one segment. Alone in a segment it stands for at least one.
 * - `**`, alone in its segment, stands for any number of whole segments, none included: `a/**` matches `a`, `a/b` and
 *   `a/b/c`; `**` + `/.env` matches `.env` and `a/.env`.
 * - A backslash takes the meaning from `*`, `?`, `[`, `]`, `{`, `}`, `!` and itself. Unescaped, `?`, `[`, `]`, `{`, `}`
 *   and a leading `!` are errors: in a denial, a character that means something in another dialect and nothing here
 *   would deny nothing.
 * - A leading dot is a character as any other.
 *
 * Matching takes no regular expression and never backtracks past the last star, so a hostile name costs at most its
 * length times the pattern's.
 *
 * @module
 */

import { SandboxError } from "../errors.ts";

/** What separates segments. Hosts (`.`) are compared in lower case. */
export type GlobSeparator = "/" | ".";

/** Whether a text matches. */
export type GlobMatcher = (text: string) => boolean;

/** A segment: `**`, or the literal pieces between its stars. */
type Segment = "**" | { readonly pieces: readonly string[]; readonly alone: boolean };

const RESERVED = "?[]{}";
const ESCAPABLE = "*?[]{}!\\";

/**
 * What is wrong with a pattern, as the end of a sentence.
 *
 * @returns undefined where the pattern is sound.
 */
export function globProblem(pattern: string, separator: GlobSeparator = "/"): string | undefined {
  if (pattern.startsWith("!")) return 'a leading "!" is reserved: write "\\!" for the character';
  let segment = "";
  for (let index = 0; index <= pattern.length; index++) {
    const char = pattern[index];
    if (char === undefined || char === separator) {
      if (segment.includes("**") && segment !== "**") return '"**" must stand alone between separators';
      segment = "";
    } else if (char === "\\") {
      const escaped = pattern[++index];
      if (escaped === undefined || !ESCAPABLE.includes(escaped)) {
        return `a backslash may only stand before one of ${ESCAPABLE}`;
      }
      segment += "x";
    } else if (separator === "/" && RESERVED.includes(char)) {
      return `"${char}" is reserved: write "\\${char}" for the character`;
    } else {
      segment += char;
    }
  }
  return undefined;
}

/** Whether a pattern stands for exactly one text, that is, has no unescaped `*`. */
export function isLiteral(pattern: string): boolean {
  return !/^(?:[^\\*]|\\.)*\*/s.test(pattern);
}

/** The text that a literal pattern stands for. */
export function unescapeGlob(pattern: string): string {
  return pattern.replaceAll(/\\(.)/gs, "$1");
}

/** The pattern that stands for exactly this text. */
export function escapeGlob(text: string): string {
  return text.replaceAll(/[*?[\]{}\\]|^!/g, "\\$&");
}

/**
 * Makes a matcher.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If the pattern is not of the dialect.
 */
export function compileGlob(pattern: string, separator: GlobSeparator = "/"): GlobMatcher {
  const problem = globProblem(pattern, separator);
  if (problem !== undefined) {
    throw new SandboxError("ARGUMENT_INVALID", `Cannot use ${JSON.stringify(pattern)} as a glob: ${problem}`, {
      details: { argument: "pattern", value: pattern },
    });
  }
  const fold = (text: string): string => (separator === "." ? text.toLowerCase() : text);
  const segments = splitSegments(fold(pattern), separator);
  return (text) => matchSegments(segments, fold(text).split(separator));
}

/**
 * Whether a text matches a pattern.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If the pattern is not of the dialect.
 *
 * @example
 * ```ts
 * import { matchGlob } from "cofferdam";
 *
 * matchGlob("./src/**", "./src/policy/glob.ts"); // true
 * matchGlob("*.example.com", "a.b.example.com", "."); // false
 * ```
 */
export function matchGlob(pattern: string, text: string, separator: GlobSeparator = "/"): boolean {
  return compileGlob(pattern, separator)(text);
}

function splitSegments(pattern: string, separator: GlobSeparator): readonly Segment[] {
  const segments: Segment[] = [];
  let pieces = [""];
  const append = (text: string): void => {
    pieces.push((pieces.pop() ?? "") + text);
  };
  for (let index = 0; index <= pattern.length; index++) {
    const char = pattern[index];
    if (char === undefined || char === separator) {
      const empty = pieces.every((piece) => piece === "");
      segments.push(empty && pieces.length === 3 ? "**" : { pieces, alone: empty && pieces.length === 2 });
      pieces = [""];
    } else if (char === "*") {
      pieces.push("");
    } else {
      append(char === "\\" ? (pattern[++index] ?? "") : char);
    }
  }
  return segments;
}

/** The classic walk: on a mismatch, let the last `**` swallow one segment more. */
function matchSegments(segments: readonly Segment[], texts: readonly string[]): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  let index = 0;
  while (index < texts.length) {
    const segment = segments[at];
    if (segment === "**") {
      star = at++;
      resume = index;
    } else if (segment !== undefined && matchSegment(segment, texts[index] ?? "")) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++resume;
    } else {
      return false;
    }
  }
  while (segments[at] === "**") at++;
  return at === segments.length;
}

function matchSegment({ pieces, alone }: Exclude<Segment, "**">, text: string): boolean {
  if (alone) return text.length > 0;
  const first = pieces[0] ?? "";
  if (pieces.length === 1) return text === first;
  const last = pieces.at(-1) ?? "";
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let from = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, from);
    if (found < 0 || found + piece.length > end) return false;
    from = found + piece.length;
  }
  return true;
}
