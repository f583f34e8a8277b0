/**
 * Everything by which a newer policy may let files or programs be used for more than an older one.
 *
 * @module
 */
import { type ComparedRule, type Comparison, hasOtherDeciders, lostRestrictions, newGrants } from "./compare-rules.ts";
import { coversMatches, coversTree, mayMeet } from "./containment.ts";
import { canonicalJson } from "./digest.ts";
import type { DocumentPath } from "./issues.ts";
import type { NormalizedPolicy, PathAccess } from "./normalized.ts";
import { HOME_PATH, type Places, WORKSPACE_PATH } from "./paths.ts";
import { type PathRule, type ProgramRule, pathTable, programTable } from "./tables.ts";

/** One reason why a newer policy may allow more. */
export interface Widening {
  /** The end of a sentence. */
  readonly because: string;
  readonly path: DocumentPath;
  /** The rule that makes it so: one that is new, or one that is gone. */
  readonly rule?: { readonly of: "old" | "new"; readonly id: string };
}

/** Where things are in every sandbox. */
export const PLACES: Places = { workspace: WORKSPACE_PATH, home: HOME_PATH };

/** Why files may be used for more. */
export function filesystemWidenings(old: NormalizedPolicy, next: NormalizedPolicy): readonly Widening[] {
  const before = pathTable(old, PLACES);
  const after = pathTable(next, PLACES);
  const comparison: Comparison<PathRule> = {
    before: before.rules,
    after: after.rules,
    unmatchedBefore: before.unmatched,
    unmatchedAfter: after.unmatched,
    contains: (wide, narrow) => includesAccess(wide.access, narrow.access) && coversTree(wide.pattern, narrow.pattern),
    mayMeet: (a, b) => mayMeet(a.pattern, b.pattern),
  };
  return ruleWidenings("filesystem", comparison, (ruleId) => {
    return placeOf("filesystem", ["read", "write", "ask", "baseline"], next.filesystem, ruleId);
  });
}

/** Why more programs may start. Limits are another matter. */
export function processWidenings(old: NormalizedPolicy, next: NormalizedPolicy): readonly Widening[] {
  const before = programTable(old, PLACES);
  const after = programTable(next, PLACES);
  const isOpened = before.allowList && !after.allowList;
  const comparison: Comparison<ProgramRule> = {
    before: before.rules,
    after: after.rules,
    unmatchedBefore: before.allowList ? before.unmatched : "allow",
    unmatchedAfter: after.allowList ? after.unmatched : "allow",
    contains: containsProgram,
    // A program may have many names.
    mayMeet: () => true,
  };
  return [
    ...when(isOpened, "without process.allow, whatever may be read may start", ["process"]),
    ...ruleWidenings("process", comparison, (id) => placeOf("process", ["allow", "ask"], next.process, id)),
  ];
}

/** What follows from the rules of a section. `placeOf` finds a rule of the newer policy. */
export function ruleWidenings<R extends ComparedRule>(
  section: string,
  comparison: Comparison<R>,
  placeOf: (ruleId: string) => DocumentPath,
): readonly Widening[] {
  const { unmatchedBefore, unmatchedAfter } = comparison;
  const isNewAsk = unmatchedAfter === "ask" && unmatchedBefore === "deny";
  return [
    ...when(isNewAsk, "what no rule matches asks, and was denied", [section, "unmatched"]),
    ...newGrants(comparison).map(({ ruleId }) => ({
      because: `no ${section} rule of the old policy contains ${ruleId}`,
      path: placeOf(ruleId),
      rule: { of: "new" as const, id: ruleId },
    })),
    ...lostRestrictions(comparison).map(({ ruleId, verdict }) => ({
      because: `${ruleId} of the old policy is gone`,
      path: [section, verdict],
      rule: { of: "old" as const, id: ruleId },
    })),
    ...when(hasOtherDeciders(comparison), "the rules that ask or defer have changed, and not all go to one decider", [
      section,
      "ask",
    ]),
  ];
}

function when(holds: boolean, because: string, path: DocumentPath): Widening[] {
  return holds ? [{ because, path }] : [];
}

/** A rule without an access is about everything. A device is also for ioctl, which nothing else includes. */
function includesAccess(wide: PathAccess | undefined, narrow: PathAccess | undefined): boolean {
  return wide === undefined || wide === narrow || narrow === "read";
}

/** Whether all programs that `narrow` means are meant by `wide`. */
export function containsProgram(wide: ProgramRule, narrow: ProgramRule): boolean {
  if (wide.name !== narrow.name || !coversMatches(wide.pattern, narrow.pattern)) return false;
  const args = wide.args === undefined || canonicalJson(wide.args) === canonicalJson(narrow.args);
  return args && (wide.sha256 === undefined || wide.sha256 === narrow.sha256);
}

/** Where a rule stands in the lists of its section. */
export function placeOf<S extends object>(
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
