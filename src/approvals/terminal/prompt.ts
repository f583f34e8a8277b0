/**
 * What a question looks like on a terminal. Everything in it is hostile, so everything is escaped and bounded.
 *
 * @module
 */
import { stringify } from "yaml";
import { displaySafe } from "../../audit/display.ts";
import type { ApprovalScope } from "../../hooks/approval-types.ts";
import type { ApprovalQuestion } from "../question.ts";

/** How something looks. */
export type Paint = (look: "bold" | "dim" | "yellow", text: string) => string;

const TITLE_MAX = 2000;
const VALUE_MAX = 500;
/** How much of a text is shown at a time, in lines: the first of it must not have left the screen when the keys are shown. */
export const PAGE_LINES = 40;

/** The question, line by line; of its text the first page, or as many lines as are asked for. */
export function questionLines(
  question: ApprovalQuestion,
  waiting: number,
  paint: Paint,
  textLines: number = PAGE_LINES,
): string[] {
  const { title, facts, suggestion, expiresAt } = question;
  const width = Math.max(...facts.map(([name]) => name.length));
  const rule = suggestion === undefined ? [] : [["rule would be", flow(suggestion)] as const];
  const rows = [...facts, ...rule].map(([name, value]) => {
    return `  ${paint("dim", safe(name, 40).padEnd(width))}  ${safe(value, VALUE_MAX)}`;
  });
  const more = waiting > 0 ? `; ${waiting} more wait` : "";
  return [
    `${paint("yellow", "cofferdam asks:")} ${paint("bold", safe(title, TITLE_MAX))}`,
    ...rows,
    ...pageLines(question, 0, textLines),
    paint("dim", `  without an answer it is denied at ${expiresAt.slice(11, 19)} UTC${more}`),
  ];
}

/** A page of what is to be read, from a line on. */
export function pageLines(
  { text }: Pick<ApprovalQuestion, "text">,
  from: number,
  count: number = PAGE_LINES,
): string[] {
  return linesOf(text)
    .slice(from, from + count)
    .map((line) => `  | ${displaySafe(line)}`);
}

/** How many lines of the text come after the first so many. */
export function hiddenLines({ text }: Pick<ApprovalQuestion, "text">, shown: number): number {
  return Math.max(0, linesOf(text).length - shown);
}

/** The line that is answered. */
export function keysLine({ scopes, domain }: Pick<ApprovalQuestion, "scopes" | "domain">, hidden = 0): string {
  const keys = scopes.map((scope) => (domain === "gate" ? "[y]es" : KEYS[scope]));
  const more = hidden === 0 ? [] : [`[m]ore (${hidden} ${hidden === 1 ? "line is" : "lines are"} not shown yet)`];
  // For always as well, which `?` tells: a line of a terminal is not longer.
  const denials = longerScopes(scopes).includes("session") ? ["[d]eny", "[ds] deny for the session"] : ["[d]eny"];
  return `${[...keys, ...denials, ...more, "[?] explain"].join(", ")}: `;
}

/** How much further than a plain no one can go. */
function longerScopes(scopes: readonly ApprovalScope[]): readonly ApprovalScope[] {
  return scopes.slice(1);
}

/** What the keys mean. */
export function explanationLines({ scopes, suggestion, id, text }: ApprovalQuestion): string[] {
  const lines = scopes.map((scope) => `  ${scope.slice(0, 1)}   ${MEANINGS[scope]}`);
  const denials = longerScopes(scopes).map((scope) => `  d${scope.slice(0, 1)}  ${DENIALS[scope]}`);
  const rule = suggestion === undefined ? [] : stringify(suggestion, { lineWidth: 0 }).trimEnd().split("\n");
  return [
    ...lines,
    `  d   ${DENIALS.once}`,
    ...denials,
    ...(text === undefined ? [] : ["  m   more of the text, where it is longer than what is shown"]),
    ...(rule.length === 0 ? [] : ["  The rule that would allow it:", ...bounded(rule).map((line) => `    ${line}`)]),
    `  Question ${safe(id, 128)}`,
  ];
}

const KEYS: Readonly<Record<ApprovalScope, string>> = { once: "[o]nce", session: "[s]ession", always: "[a]lways" };

const MEANINGS: Readonly<Record<ApprovalScope, string>> = {
  once: "it is allowed, this time",
  session: "it is allowed when the same program does the same, until the sandbox ends",
  always: "as for the session, and the rule below is written down for review",
};

const DENIALS: Readonly<Record<ApprovalScope, string>> = {
  once: "it is denied, this time",
  session: "it is denied when the same program does the same, until the sandbox ends",
  always: "as for the session, and a rule that denies it, where one can, is written down for review",
};

/** An answer as it is typed. Without a scope: the narrowest that the question offers. */
export interface TypedAnswer {
  readonly verdict: "allow" | "deny";
  readonly scope?: ApprovalScope;
}

/** What was typed: undefined is no key of this question. */
export function readKey(typed: string, scopes: readonly ApprovalScope[]): TypedAnswer | "explain" | "more" | undefined {
  const key = typed.trim().toLowerCase();
  if (key === "?") return "explain";
  if (key === "m" || key === "more") return "more";
  if (["d", "deny", "n", "no"].includes(key)) return { verdict: "deny" };
  const denied = longerScopes(scopes).find((scope) => [`d${scope.slice(0, 1)}`, `deny ${scope}`].includes(key));
  if (denied !== undefined) return { verdict: "deny", scope: denied };
  const isYes = scopes.length === 1 && (key === "y" || key === "yes");
  const allowed = scopes.find((scope) => isYes || scope === key || scope.slice(0, 1) === key);
  return allowed === undefined ? undefined : { verdict: "allow", scope: allowed };
}

/** A text as it is shown, with nothing left out: a line that is too long goes on in the next one. */
function linesOf(text: string | undefined): string[] {
  if (text === undefined) return [];
  return text
    .replace(/\n$/, "")
    .split("\n")
    .flatMap((line) => line.match(PIECES) ?? [""]);
}

/** By code points: half of one would be shown as something else. */
const PIECES = new RegExp(`.{1,${VALUE_MAX}}`, "gsu");

function bounded(lines: readonly string[]): string[] {
  const shown = lines.slice(0, PAGE_LINES).map((line) => safe(line, VALUE_MAX));
  const more = lines.length - shown.length;
  return more > 0 ? [...shown, `and ${more} more lines`] : shown;
}

function flow(value: object): string {
  const { version: _, ...rest } = value as { readonly version?: unknown };
  return stringify(rest, { collectionStyle: "flow", lineWidth: 0 }).trim();
}

function safe(text: string, max: number): string {
  const escaped = displaySafe(text.slice(0, max));
  return text.length > max ? `${escaped}… (${text.length - max} more)` : escaped;
}
