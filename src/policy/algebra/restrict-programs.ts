/**
 * What two policies both let start.
 *
 * A program may have several names, and a rule matches by any of them. So what two rules have in common is only what one name
 * shows, and what asks must be kept or denied as a whole.
 *
 * @module
 */
import { coversMatches } from "../containment.ts";
import { type ProgramRule, programTable } from "../tables.ts";
import { containsProgram, PLACES } from "../widenings.ts";
import { type Emission, meeting, type RuleOf } from "./emissions.ts";
import { meetArguments, meetGlobs } from "./meet-globs.ts";
import type { Part } from "./parts.ts";

interface StartRule extends ProgramRule, RuleOf {
  /** As it is written. */
  readonly binary: string;
}

interface Side {
  readonly rules: readonly StartRule[];
  /** Whether there is a list of what may start. */
  readonly hasList: boolean;
  /** Whether the approver is asked about everything else. */
  readonly asksRest: boolean;
}

/** The entries of all lists. */
export function restrictPrograms(policy: Part, cap: Part): readonly Emission[] {
  const [a, b] = [sideOf(policy), sideOf(cap)];
  const asksA = of(a, "ask").map((rule) => ({ rule, isKept: isAsked(rule, b) }));
  const keptA = asksA.filter(({ isKept }) => isKept).map(({ rule }) => rule);
  const asksB = of(b, "ask").map((rule) => {
    // Only the first one's decider would be asked.
    return { rule, isKept: isAsked(rule, a) && keptA.every(({ defer }) => defer === rule.defer) };
  });
  return [
    ...allowed(a, b),
    ...[...of(a, "deny"), ...of(b, "deny")].map(denied),
    ...[...asksA, ...asksB].map(({ rule, isKept }) => (isKept ? asked(rule) : denied(rule))),
  ];
}

function sideOf(part: Part): Side {
  const { allow, deny, ask } = part.normalized.process;
  const table = programTable(part.normalized, PLACES);
  const binaries = [...(allow === "readable" ? [] : allow), ...deny, ...ask].map(({ binary }) => binary);
  const rules = table.rules.map((rule, index) => ({ ...rule, part, binary: binaries[index] ?? rule.pattern }));
  return { rules, hasList: table.allowList, asksRest: table.allowList && table.unmatched === "ask" };
}

function of({ rules }: Side, verdict: ProgramRule["verdict"]): readonly StartRule[] {
  return rules.filter((rule) => rule.verdict === verdict);
}

/** Without a list, everything may start. */
function allowed(a: Side, b: Side): readonly Emission[] {
  const [left, right] = [of(a, "allow"), of(b, "allow")];
  if (!a.hasList || !b.hasList) return [...left, ...right].map((rule) => emission("process.allow", rule, [rule]));
  return left.flatMap((one) => right.flatMap((other) => meeting(one, other, () => bothAllowed(one, other))));
}

function bothAllowed(a: StartRule, b: StartRule): readonly Emission[] {
  if (a.sha256 !== undefined && b.sha256 !== undefined && a.sha256 !== b.sha256) return [];
  const hash = a.sha256 ?? b.sha256;
  const lists = a.args === undefined || b.args === undefined ? [a.args ?? b.args] : meetArguments(a.args, b.args);
  return meetBinaries(a, b).flatMap((binary) => {
    return lists.map((args): Emission => {
      return emission("process.allow", { binary, ...(args && { args }), ...(hash && { sha256: hash }) }, [a, b]);
    });
  });
}

/** A name is looked for on the `PATH`, so what it has in common with a path cannot be written down, but for all paths. */
function meetBinaries(a: StartRule, b: StartRule): readonly string[] {
  if (a.name !== b.name) {
    const [name, path] = a.name ? [a, b] : [b, a];
    return coversMatches(path.pattern, "/**") ? [name.binary] : [];
  }
  return meetGlobs(a.pattern, b.pattern).map((pattern) => {
    return pattern === a.pattern ? a.binary : pattern === b.pattern ? b.binary : pattern;
  });
}

/** Whether whatever a rule asks about is allowed on the other side, or asked there of the same. */
function isAsked(rule: StartRule, other: Side): boolean {
  if (!other.hasList || (other.asksRest && rule.defer === undefined)) return true;
  return other.rules.some((each) => {
    const says = each.verdict === "allow" || (each.verdict === "ask" && each.defer === rule.defer);
    return says && containsProgram(each, rule);
  });
}

function asked(rule: StartRule): Emission {
  return emission("process.ask", rule, [rule]);
}

/** A denial knows no hashes, and so is wider. */
function denied(rule: StartRule): Emission {
  const { binary, args } = rule;
  return emission("process.deny", { binary, ...(args && { args }) }, [rule]);
}

type Body = Pick<StartRule, "binary"> & Partial<Pick<StartRule, "args" | "sha256" | "defer">>;

function emission(list: Emission["list"], { binary, args, sha256, defer }: Body, rules: readonly RuleOf[]): Emission {
  return { list, body: { binary, ...(args && { args }), ...(sha256 && { sha256 }), ...(defer && { defer }) }, rules };
}
