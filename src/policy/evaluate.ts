/**
 * What a policy says to one question, without a sandbox: the warden's tables (`native/tables.h`) in TypeScript.
 *
 * Everything here is given canonical paths: what an object is really called, links followed.
 *
 * @module
 */

import { compileGlob, type GlobMatcher } from "./glob.ts";
import type { PathAccess } from "./normalized.ts";
import type { PathRule, PathTable, ProgramRule, ProgramTable } from "./tables.ts";
import type { Verdict } from "./types.ts";

/** What is done to a path. */
export type PathAction =
  | "read"
  | "list"
  | "start"
  | "write"
  | "create"
  | "delete"
  | "rename"
  | "link"
  | "metadata"
  | "connect";

/** A verdict, and the rule that gave it. */
export interface Ruling {
  readonly verdict: Verdict;
  /** Absent: no rule matched. */
  readonly ruleId?: string;
  /** The hook that decides, where the verdict is `ask`. Absent: an approver. */
  readonly defer?: string;
}

/** A program that is about to start. */
export interface ProgramStart {
  /** What it is really called. */
  readonly path: string;
  /** As it was asked for, absolute, before links were followed. */
  readonly requested: string;
  readonly argv: readonly string[];
  /** Lower-case hexadecimal. Absent: not known; it may be any, so that rules with one allow nothing, and still deny and ask. */
  readonly sha256?: string;
}

/**
 * What the rules on paths say. A denial comes before an ask, an ask before an allowance; of several, the first names the
 * verdict. A rule counts if its pattern matches the path or a directory that holds it, and if its access is enough:
 * reading, listing and starting need any; writing `write` or `device`; everything else `write`.
 */
export function evaluatePath(table: PathTable, path: string, action: PathAction): Ruling {
  const matching = table.rules.filter((rule) => {
    return (rule.access === undefined || suffices(rule.access, action)) && matcherOf(rule, treeOf)(path);
  });
  return strictest(matching) ?? { verdict: table.unmatched };
}

/**
 * What the rules on programs say about a start.
 *
 * A path pattern matches what the program is really called or what it was asked for as; a name does where one of these
 * is that name in a directory of `search`. A rule that may let it start, and matches only what it was asked for as, wants
 * the program's own name for itself (`argv[0]`) to be that name too: a program of many names (busybox) does what it says.
 */
export function evaluateProgram(table: ProgramTable, start: ProgramStart, search: readonly string[]): Ruling {
  const matching = table.rules.filter((rule) => {
    return matchesProgram(rule, start, search) && matchesArguments(rule, start) && matchesHash(rule, start);
  });
  return strictest(matching) ?? { verdict: table.allowList ? table.unmatched : "allow" };
}

/** Whether a pattern matches a path or a directory that the path lies in. */
export function globCovers(pattern: string, path: string): boolean {
  return treeOf(pattern)(path);
}

function treeOf(pattern: string): GlobMatcher {
  return compileGlob(pattern === "/" ? "/**" : `${pattern}/**`);
}

/** A rule is asked again and again, and never changes. */
const matchers = new WeakMap<PathRule | ProgramRule, GlobMatcher>();

function matcherOf(rule: PathRule | ProgramRule, compile: (pattern: string) => GlobMatcher): GlobMatcher {
  const known = matchers.get(rule);
  if (known !== undefined) return known;
  const matcher = compile(rule.pattern);
  matchers.set(rule, matcher);
  return matcher;
}

type Rule = Pick<ProgramRule, "verdict" | "ruleId" | "defer">;

function strictest(matching: readonly Rule[]): Ruling | undefined {
  const of = (verdict: Verdict) => matching.find((rule) => rule.verdict === verdict);
  const found = of("deny") ?? of("ask") ?? of("allow");
  if (found === undefined) return undefined;
  const { verdict, ruleId, defer } = found;
  return { verdict, ruleId, ...(defer === undefined ? {} : { defer }) };
}

function suffices(access: PathAccess, action: PathAction): boolean {
  if (action === "read" || action === "list" || action === "start") return true;
  return access === "write" || (access === "device" && action === "write");
}

function matchesProgram(rule: ProgramRule, start: ProgramStart, search: readonly string[]): boolean {
  const matcher = matcherOf(rule, compileGlob);
  const matches = (path: string): boolean => {
    return rule.name ? search.includes(parentOf(path)) && matcher(nameOf(path)) : matcher(path);
  };
  if (matches(start.path)) return true;
  if (!matches(start.requested)) return false;
  const wanted = nameOf(start.requested);
  if (rule.verdict === "deny" || nameOf(start.path) === wanted) return true;
  // A login shell's name for itself starts with a dash.
  return nameOf(start.argv[0] ?? "").replace(/^-/, "") === wanted;
}

/** What is not known might be it: it allows nothing, and keeps nothing from being denied or asked about. */
function matchesHash({ sha256, verdict }: ProgramRule, start: ProgramStart): boolean {
  if (sha256 === undefined) return true;
  return start.sha256 === undefined ? verdict !== "allow" : sha256 === start.sha256;
}

/** The classic walk: on a mismatch, let the last `**` swallow one argument more. */
function matchesArguments({ args }: ProgramRule, { argv }: ProgramStart): boolean {
  if (args === undefined) return true;
  const given = argv.slice(1);
  let at = 0;
  let index = 0;
  let star = -1;
  let resume = 0;
  while (index < given.length) {
    const glob = args[at];
    if (glob === "**") {
      star = at++;
      resume = index;
    } else if (glob !== undefined && compileGlob(glob)(given[index] ?? "")) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++resume;
    } else {
      return false;
    }
  }
  while (args[at] === "**") at++;
  return at === args.length;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
