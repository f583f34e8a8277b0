/**
 * What two policies both let happen to files.
 *
 * @module
 */
import { coversTree, mayMeet } from "../containment.ts";
import type { NormalizedPolicy, PathAccess } from "../normalized.ts";
import { grantProblem, literalPrefix } from "../paths.ts";
import { type PathRule, pathTable } from "../tables.ts";
import { PLACES } from "../widenings.ts";
import { type Emission, meeting, type RuleOf } from "./emissions.ts";
import { meetTrees } from "./meet-globs.ts";
import type { Part } from "./parts.ts";

interface FileRule extends PathRule, RuleOf {
  readonly optional: boolean;
  /** Whether it stands in the list of asks. */
  readonly isListedAsk: boolean;
  /** Whether the approver is asked first, by a rule before it. */
  readonly comesSecond: boolean;
}

/** Whether both have the baseline. */
export function hasBaseline({ filesystem }: NormalizedPolicy): boolean {
  return filesystem.baseline.length > 0;
}

/** The entries of all lists. */
export function restrictFiles(policy: Part, cap: Part): readonly Emission[] {
  const [a, b] = [rulesOf(policy), rulesOf(cap)];
  const both = hasBaseline(policy.normalized) && hasBaseline(cap.normalized);
  const of = (rules: readonly FileRule[], verdict: FileRule["verdict"]) => rules.filter((it) => it.verdict === verdict);
  const pairs = <T>(
    left: readonly FileRule[],
    right: readonly FileRule[],
    meet: (a: FileRule, b: FileRule) => T[],
  ): T[] => {
    return left.flatMap((one) => right.flatMap((other) => meet(one, other)));
  };
  const [allowsA, allowsB, asksA, asksB] = [of(a, "allow"), of(b, "allow"), of(a, "ask"), of(b, "ask")];
  const isMutualAsk = [policy, cap].every(({ normalized }) => normalized.filesystem.unmatched === "ask");
  return [
    ...pairs(allowsA, allowsB, (one, other) => {
      // The baseline of both stays what it is.
      return both && (isBaseline(one) || isBaseline(other)) ? [] : granted(one, other);
    }),
    ...[...of(a, "deny"), ...of(b, "deny")].map((rule) => denied(rule.pattern, [rule])),
    ...pairs(asksA, allowsB, (ask, allow) => asked(ask, allow, allowsB)),
    ...pairs(asksB, allowsA, (ask, allow) => asked(ask, allow, allowsA)),
    ...pairs(asksA, asksB, askedTwice),
    ...(isMutualAsk ? [...unanswered(asksA, b), ...unanswered(asksB, a)] : []),
  ];
}

function rulesOf(part: Part): FileRule[] {
  const { read, write, ask } = part.normalized.filesystem;
  const optional = new Set([...read, ...write, ...ask].filter((grant) => grant.optional).map(({ id }) => id));
  const listed = new Set(ask.map(({ id }) => id));
  const table = pathTable(part.normalized, PLACES).rules;
  return table.map((rule, index) => {
    const isFirst = (other: PathRule) => other.verdict === "ask" && other.defer === undefined;
    const comesSecond = table.slice(0, index).some((other) => isFirst(other) && mayMeet(other.pattern, rule.pattern));
    const { ruleId } = rule;
    return { ...rule, part, optional: optional.has(ruleId), isListedAsk: listed.has(ruleId), comesSecond };
  });
}

function isBaseline({ ruleId }: FileRule): boolean {
  return ruleId.startsWith("baseline:");
}

/** What is granted twice, with the lesser access. Of what a device is for nothing but reading can be written down. */
function granted(a: FileRule, b: FileRule): Emission[] {
  return entries(a, b, a.access === "write" && b.access === "write" ? "write" : "read", {});
}

function entries(a: FileRule, b: FileRule, access: "read" | "write" | "ask", more: object): Emission[] {
  return meetingPaths(a, b)
    .filter(
      (pattern) => grantProblem(literalPrefix(pattern, PLACES), access === "write" ? "write" : "read") === undefined,
    )
    .map((pattern) => {
      const optional = isOptional(a, b, pattern, access) ? { optional: true } : {};
      return {
        list: `filesystem.${access}`,
        body: { path: writtenPath(pattern), ...optional, ...more },
        rules: [a, b],
      };
    });
}

function meetingPaths(a: FileRule, b: FileRule): readonly string[] {
  return meeting(a, b, () => meetTrees(a.pattern, b.pattern));
}

/** A bound is no demand: what only the cap names need not be there. What is to be written in the workspace is made. */
function isOptional(a: FileRule, b: FileRule, pattern: string, access: "read" | "write" | "ask"): boolean {
  if (a.optional || b.optional) return true;
  if (pattern === a.pattern) return isBaseline(a);
  return access !== "write" || !coversTree(PLACES.workspace, pattern);
}

function denied(pattern: string, rules: readonly RuleOf[]): Emission {
  return { list: "filesystem.deny", body: { path: writtenPath(pattern) }, rules };
}

/**
 * An ask and an allowance are an ask. One for the approver is about reading and writing, and cannot be about reading alone.
 * Rules on reading come first, so one that was not may not become one.
 */
function asked(ask: FileRule, allow: FileRule, allows: readonly FileRule[]): Emission[] {
  const { defer, access } = ask;
  const writes = access === "write" && allow.access === "write";
  if (defer === undefined) {
    if (writes) return entries(ask, allow, "ask", {});
    return meetingPaths(ask, allow)
      .filter((pattern) => !allows.some((other) => other.access === "write" && coversTree(other.pattern, pattern)))
      .map((pattern) => denied(pattern, [ask, allow]));
  }
  if (writes) return entries(ask, allow, ask.isListedAsk ? "ask" : "write", { defer });
  const isDevice = access === "write" && allow.access === "device";
  if (!isDevice && !ask.comesSecond) return entries(ask, allow, "read", { defer });
  return meetingPaths(ask, allow).map((pattern) => denied(pattern, [ask, allow]));
}

/** Nobody can be asked in two places: what two deciders must agree on is denied. */
function askedTwice(a: FileRule, b: FileRule): Emission[] {
  if (a.defer !== b.defer) return meetingPaths(a, b).map((pattern) => denied(pattern, [a, b]));
  if (a.defer === undefined) return entries(a, b, "ask", {});
  return entries(a, b, a.access === "write" && b.access === "write" ? "write" : "read", { defer: a.defer });
}

/** What one leaves to a hook, and the other to the approver because nothing matches. */
function unanswered(asks: readonly FileRule[], others: readonly FileRule[]): Emission[] {
  const isEnough = (wide: PathAccess | undefined, access: PathAccess | undefined) =>
    wide === "write" || access === "read";
  return asks
    .filter(({ defer, pattern, access }) => {
      if (defer === undefined) return false;
      return !others.some((other) => {
        const says = other.verdict === "allow" || (other.verdict === "ask" && other.defer === defer);
        return says && isEnough(other.access, access) && coversTree(other.pattern, pattern);
      });
    })
    .map((rule) => denied(rule.pattern, [rule]));
}

/** The workspace and the home as people write them. */
function writtenPath(pattern: string): string {
  for (const [place, sign] of [
    [PLACES.workspace, "."],
    [PLACES.home, "~"],
  ] as const) {
    if (pattern === place || pattern.startsWith(`${place}/`)) return sign + pattern.slice(place.length);
  }
  return pattern;
}
