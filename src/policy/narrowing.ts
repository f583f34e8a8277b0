/**
 * Whether one policy allows no more than another. Judged by the rules alone and on the safe side: what cannot be seen to
 * be narrower counts as wider.
 *
 * @module
 */

import { coversMatches, coversTree, mayMeet } from "./containment.ts";
import { canonicalJson } from "./digest.ts";
import type { DocumentPath } from "./issues.ts";
import type { NormalizedPolicy, PathAccess } from "./normalized.ts";
import { HOME_PATH, WORKSPACE_PATH } from "./paths.ts";
import { type PathRule, type ProgramRule, pathTable, programTable } from "./tables.ts";
import type { Unmatched } from "./types.ts";

/** What became of a section. `wider`: it may allow something new; `because` is the end of a sentence. */
export type Change =
  | { readonly kind: "same" | "narrower" }
  | {
      readonly kind: "wider";
      readonly because: string;
      /** The first place of the new policy that makes it so. */
      readonly path: DocumentPath;
    };

/** What became of each section that a running sandbox is held by. */
export interface PolicyChange {
  readonly filesystem: Change;
  readonly process: Change;
}

/**
 * Compares what two policies let files and programs be used for.
 *
 * Shape: `same` where each allows no more than the other, `narrower` where the new one does. Ids, order and spelling make no
 * difference. Who decides on an ask, an approver or a hook by its name, counts: a question that goes to somebody else
 * may get another answer. Limits hold for the life of a sandbox, so any change of them is `wider`.
 *
 * @example
 * ```ts
 * const old = normalizePolicy({ version: 1, filesystem: { write: ["."] } });
 * const next = normalizePolicy({ version: 1, filesystem: { write: ["./docs"] } });
 * comparePolicies(old, next).filesystem; // { kind: "narrower" }
 * ```
 */
export function comparePolicies(old: NormalizedPolicy, next: NormalizedPolicy): PolicyChange {
  return {
    filesystem: change(filesystemProblem(old, next), () => filesystemProblem(next, old)),
    process: change(processProblem(old, next), () => processProblem(next, old)),
  };
}

interface Problem {
  readonly because: string;
  readonly path: DocumentPath;
}

function change(forth: Problem | undefined, back: () => Problem | undefined): Change {
  if (forth !== undefined) return { kind: "wider", ...forth };
  return { kind: back() === undefined ? "same" : "narrower" };
}

const PLACES = { workspace: WORKSPACE_PATH, home: HOME_PATH };

/** Why `next` may allow what `old` does not. */
function filesystemProblem(old: NormalizedPolicy, next: NormalizedPolicy): Problem | undefined {
  const before = pathTable(old, PLACES);
  const after = pathTable(next, PLACES);
  return compareTables<PathRule>({
    section: "filesystem",
    before: before.rules,
    after: after.rules,
    unmatchedBefore: before.unmatched,
    unmatchedAfter: after.unmatched,
    contains: (wide, narrow) => includesAccess(wide.access, narrow.access) && coversTree(wide.pattern, narrow.pattern),
    mayMeet: (a, b) => mayMeet(a.pattern, b.pattern),
    place: (rule) => placeOf("filesystem", ["read", "write", "ask", "baseline"], next.filesystem, rule.ruleId),
  });
}

/** Why `next` may start what `old` does not. */
function processProblem(old: NormalizedPolicy, next: NormalizedPolicy): Problem | undefined {
  if (canonicalJson(old.process.limits) !== canonicalJson(next.process.limits)) {
    return { because: "limits hold for the life of a sandbox", path: ["process", "limits"] };
  }
  const before = programTable(old, PLACES);
  const after = programTable(next, PLACES);
  if (before.allowList && !after.allowList) {
    return { because: "without process.allow, whatever may be read may start", path: ["process"] };
  }
  return compareTables<ProgramRule>({
    section: "process",
    before: before.rules,
    after: after.rules,
    unmatchedBefore: before.allowList ? before.unmatched : "allow",
    unmatchedAfter: after.allowList ? after.unmatched : "allow",
    contains: containsProgram,
    // A program may have many names.
    mayMeet: () => true,
    place: (rule) => placeOf("process", ["allow", "ask"], next.process, rule.ruleId),
  });
}

interface Comparison<R extends PathRule | ProgramRule> {
  readonly section: "filesystem" | "process";
  readonly before: readonly R[];
  readonly after: readonly R[];
  readonly unmatchedBefore: Unmatched | "allow";
  readonly unmatchedAfter: Unmatched | "allow";
  /** Whether one is about all that another is about, whatever they say. */
  readonly contains: (wide: R, narrow: R) => boolean;
  readonly mayMeet: (a: R, b: R) => boolean;
  /** Where a rule of the new policy stands. */
  readonly place: (rule: R) => DocumentPath;
}

function compareTables<R extends PathRule | ProgramRule>(comparison: Comparison<R>): Problem | undefined {
  const { section, unmatchedBefore, unmatchedAfter } = comparison;
  if (unmatchedAfter === "ask" && unmatchedBefore === "deny") {
    return { because: "what no rule matches asks, and was denied", path: [section, "unmatched"] };
  }
  return newGrant(comparison) ?? lostRestriction(comparison) ?? otherDeciders(comparison);
}

/** A rule that lets something happen, and that no rule of the old policy contains. */
function newGrant<R extends PathRule | ProgramRule>(comparison: Comparison<R>): Problem | undefined {
  const { section, before, after, unmatchedBefore, contains, place } = comparison;
  if (unmatchedBefore === "allow") return undefined;
  const kept = new Set(before.map(meaning));
  for (const rule of after) {
    if (rule.verdict === "deny" || (unmatchedBefore === "ask" && asksApprover(rule))) continue;
    if (kept.has(meaning(rule))) continue;
    const granted = before.some((other) => isNoStricter(other, rule) && contains(other, rule));
    if (!granted) return { because: `no ${section} rule of the old policy contains ${rule.ruleId}`, path: place(rule) };
  }
  return undefined;
}

/** A denial or an ask of the old policy that the new one has nothing for. */
function lostRestriction<R extends PathRule | ProgramRule>(comparison: Comparison<R>): Problem | undefined {
  const { section, before, after, unmatchedAfter, contains, mayMeet } = comparison;
  for (const rule of before) {
    if (rule.verdict === "allow") continue;
    if (after.some((other) => isNoStricter(rule, other) && contains(other, rule))) continue;
    // Nothing is left there to be held back.
    const held = unmatchedAfter === "deny" || (unmatchedAfter === "ask" && asksApprover(rule));
    if (held && !after.some((other) => other.verdict !== "deny" && mayMeet(other, rule))) continue;
    return { because: `${rule.ruleId} of the old policy is gone`, path: [section, rule.verdict] };
  }
  return undefined;
}

/**
 * Where several asks match, the first one's decider is asked. With more than one decider in play the asks must be the
 * same ones.
 */
function otherDeciders<R extends PathRule | ProgramRule>(comparison: Comparison<R>): Problem | undefined {
  const { section, before, after, unmatchedBefore, unmatchedAfter } = comparison;
  const asks = (rules: readonly R[]) => rules.filter(({ verdict }) => verdict === "ask");
  const deciders = new Set([...asks(before), ...asks(after)].map(({ defer }) => defer));
  if (unmatchedBefore === "ask" || unmatchedAfter === "ask") deciders.add(undefined);
  const said = (rules: readonly R[]) => canonicalJson(asks(rules).map(meaning));
  if (deciders.size <= 1 || said(before) === said(after)) return undefined;
  return { because: "the rules that ask or defer have changed, and not all go to one decider", path: [section, "ask"] };
}

/** Whether what `a` says is what `b` says, or allows more. */
function isNoStricter(a: PathRule | ProgramRule, b: PathRule | ProgramRule): boolean {
  if (a.verdict === "allow" || b.verdict === "deny") return true;
  return a.verdict === "ask" && b.verdict === "ask" && a.defer === b.defer;
}

/** Everything but the id. */
function meaning({ ruleId: _, ...rest }: PathRule | ProgramRule): string {
  return canonicalJson(rest);
}

function asksApprover(rule: PathRule | ProgramRule): boolean {
  return rule.verdict === "ask" && rule.defer === undefined;
}

/** A rule without an access is about everything. A device is also for ioctl, which nothing else includes. */
function includesAccess(wide: PathAccess | undefined, narrow: PathAccess | undefined): boolean {
  return wide === undefined || wide === narrow || narrow === "read";
}

function containsProgram(wide: ProgramRule, narrow: ProgramRule): boolean {
  if (wide.name !== narrow.name || !coversMatches(wide.pattern, narrow.pattern)) return false;
  const args = wide.args === undefined || canonicalJson(wide.args) === canonicalJson(narrow.args);
  return args && (wide.sha256 === undefined || wide.sha256 === narrow.sha256);
}

function placeOf<S extends object>(
  section: string,
  lists: readonly (keyof S & string)[],
  rules: S,
  ruleId: string,
): DocumentPath {
  for (const list of lists) {
    const entries: unknown = rules[list];
    const index = Array.isArray(entries) ? entries.findIndex(({ id }) => id === ruleId) : -1;
    if (index >= 0) return list === "baseline" ? [section, list] : [section, list, index];
  }
  return [section];
}
