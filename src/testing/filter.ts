/**
 * Which decisions a test means.
 *
 * @module
 */
import type { AuditVerdict, DecisionRecord } from "../audit/mod.ts";
import { SandboxError } from "../errors.ts";
import { binaryPatterns, pathPatterns } from "../hooks/mod.ts";
import { compileGlob, evaluateProgram, globCovers } from "../policy/core.ts";

/** Decisions that have all of this. Paths and programs are written as in a policy. */
export interface DecisionFilter {
  /** A path or glob: relative to the workspace, `~/…` or absolute. A folder stands for its tree. */
  readonly file?: string;
  /**
   * A program: a name, which matches in every folder, an absolute path, or a glob. Of a start that may be what it calls
   * itself; of a file operation it is the file that runs, which for `sh` may be `/usr/bin/dash`.
   */
  readonly program?: string;
  /** Of a start: one glob for each argument after the program's name; `**` stands for any number of them. */
  readonly args?: readonly string[];
  /** For instance `"read"`, `"create"` or `"start"`. */
  readonly operation?: string;
  /** The id of the rule that matched. */
  readonly rule?: string;
  /** Who decided: `"policy"`, `"floor"`, `"approver"`, or the name of a plugin. */
  readonly by?: string;
}

/** A program that a test means. */
export interface StartFilter {
  /** As in {@link DecisionFilter}. */
  readonly program: string;
  /** As in {@link DecisionFilter}. */
  readonly args?: readonly string[];
}

const KEYS: readonly string[] = ["file", "program", "args", "operation", "rule", "by"];

/**
 * Refuses a filter that would match by accident.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If it has no key, or an unknown one.
 */
export function checkFilter(filter: DecisionFilter): void {
  const keys = Object.keys(filter);
  const unknown = keys.find((key) => !KEYS.includes(key));
  if (unknown === undefined && keys.length > 0) return;
  const what = unknown === undefined ? "Cannot look for any decision" : `Cannot look for decisions by "${unknown}"`;
  throw new SandboxError("ARGUMENT_INVALID", what, {
    details: { argument: "filter", value: filter },
    hint: `Give one or more of: ${KEYS.join(", ")}`,
  });
}

/** What is decided about there: of a filter that could mean both, both. */
export function domainsOf({ file, program, args }: DecisionFilter): readonly string[] {
  if (args !== undefined || (program !== undefined && file === undefined)) return ["process"];
  return file === undefined ? ["filesystem", "process"] : ["filesystem"];
}

/** Whether a decision is meant, whatever its verdict. */
export function matchesFilter(filter: DecisionFilter, record: DecisionRecord): boolean {
  const { file, program, args, operation, rule, by } = filter;
  const checks = [
    domainsOf(filter).includes(record.domain),
    file === undefined || objectsOf(record).some((path) => coversPath(file, path)),
    program === undefined || programsOf(record).some((path) => isProgram(program, path)),
    args === undefined || areArguments(args, record.argv ?? []),
    operation === undefined || record.operation === operation,
    rule === undefined || record.ruleId === rule,
    by === undefined || decidersOf(record).includes(by),
  ];
  return checks.every(Boolean);
}

/** Whether a start that the host asked for is meant. */
export function matchesCommand({ program, args }: StartFilter, argv: readonly string[]): boolean {
  return calledAs(argv).some((path) => isProgram(program, path)) && (args === undefined || areArguments(args, argv));
}

/** What a decision was about: both names of a rename, a program and its script. */
export function objectsOf({ object }: DecisionRecord): string[] {
  const parts = object.split(" -> ");
  return parts.length === 2 ? [...parts, object] : [object];
}

/** Who decided, by every name. */
export function decidersOf({ decidedBy }: DecisionRecord): string[] {
  return "name" in decidedBy && decidedBy.name !== undefined ? [decidedBy.kind, decidedBy.name] : [decidedBy.kind];
}

/** The decisions that are meant, and have that verdict. */
export function select(
  records: readonly DecisionRecord[],
  filter: DecisionFilter,
  verdict: AuditVerdict,
): readonly DecisionRecord[] {
  return records.filter((record) => record.verdict === verdict && matchesFilter(filter, record));
}

/** Of a start, what it is and what it calls itself (`sh` may be `/usr/bin/dash`); of a file operation, what did it. */
function programsOf(record: DecisionRecord): string[] {
  if (record.domain === "process") return [...objectsOf(record), ...calledAs(record.argv ?? [])];
  return record.subject?.binary === undefined ? [] : [record.subject.binary];
}

function calledAs([name]: readonly string[]): string[] {
  if (name === undefined) return [];
  return [name.startsWith("/") ? name : `/${name}`];
}

function coversPath(pattern: string, path: string): boolean {
  return pathPatterns([pattern]).some((each) => globCovers(each, path));
}

function isProgram(pattern: string, path: string): boolean {
  return binaryPatterns([pattern]).some((each) => compileGlob(each)(path));
}

/** As a rule of a policy would match them. */
function areArguments(args: readonly string[], argv: readonly string[]): boolean {
  const rule = { verdict: "allow", ruleId: "", pattern: "/**", name: false, args } as const;
  const table = { rules: [rule], allowList: true, unmatched: "deny" } as const;
  return evaluateProgram(table, { path: "/x", requested: "/x", argv }, []).verdict === "allow";
}
