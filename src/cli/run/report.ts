/**
 * What happened in a sandbox, for people and for machines.
 *
 * @module
 */
import type { CommandExit, DecisionRecord, Sandbox } from "../../mod.ts";
import { displaySafe } from "../library.ts";
import { styleOf } from "../style.ts";
import { table } from "../write.ts";
import type { Reviewed } from "./review-changes.ts";

/** Denials of one thing. */
export interface DenialFacts {
  readonly domain: string;
  readonly operation: string;
  readonly object: string;
  /** Absent: no rule allows it. */
  readonly rule?: string;
  readonly reason: string;
  /** The program that asked. */
  readonly program?: string;
  readonly count: number;
}

/** What `--json` and `--report` give. */
export interface RunReport {
  readonly sandbox: string;
  readonly runtime: string;
  readonly mode: string;
  readonly policy: string;
  readonly argv: readonly string[];
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  readonly durationMs: number;
  readonly decisions: { readonly allowed: number; readonly denied: number };
  readonly denials: readonly DenialFacts[];
  readonly changes?: {
    readonly applied: readonly string[];
    readonly refused: readonly { readonly path: string; readonly reason: string }[];
    readonly left: readonly string[];
    readonly patch?: string;
    readonly problem?: string;
  };
}

/** What a report is made of. */
export interface ReportInput {
  readonly sandbox: Sandbox;
  readonly argv: readonly string[];
  readonly exit: CommandExit;
  /** Absent: there was nothing to review. */
  readonly review: Reviewed | undefined;
}

/** Puts it together. */
export function reportOf({ sandbox, argv, exit, review }: ReportInput): RunReport {
  const decisions = sandbox.decisions();
  const count = (verdict: string) =>
    decisions.filter((each) => each.verdict === verdict).reduce((sum, each) => sum + (each.count ?? 1), 0);
  return {
    sandbox: sandbox.id,
    runtime: sandbox.enforcement.runtime,
    mode: sandbox.enforcement.mode,
    policy: sandbox.policy.digest,
    argv,
    ...exit,
    durationMs: Math.round(exit.durationMs),
    decisions: { allowed: count("allow"), denied: count("deny") },
    denials: denialsOf(decisions),
    ...(review === undefined ? {} : { changes: review }),
  };
}

/** Each thing once, in the order in which it was first denied. */
function denialsOf(decisions: readonly DecisionRecord[]): DenialFacts[] {
  const denials = new Map<string, DenialFacts>();
  for (const record of decisions) {
    if (record.verdict !== "deny") continue;
    const { domain, operation, object, ruleId, reason, subject } = record;
    const key = JSON.stringify([operation, object, ruleId, subject?.binary]);
    const before = denials.get(key);
    denials.set(key, {
      domain,
      operation,
      object,
      ...(ruleId === undefined ? {} : { rule: ruleId }),
      reason,
      ...(subject?.binary === undefined ? {} : { program: subject.binary }),
      count: (before?.count ?? 0) + (record.count ?? 1),
    });
  }
  return [...denials.values()];
}

/** How many denials a summary lists. */
const SHOWN_MAX = 10;

/** The summary. Everything from the sandbox is made fit for a terminal. */
export function summaryLines(report: RunReport): string[] {
  const style = styleOf(process.stderr);
  const { allowed, denied } = report.decisions;
  // Most allows are counted by nobody: see `audit.files`.
  const counts = `${denied} denied${allowed > 0 ? `, ${allowed} allowed` : ""}`;
  const head = `${style("bold", "cofferdam")} ${report.runtime}, ${seconds(report.durationMs)}: ${counts}`;
  const rows = report.denials
    .slice(0, SHOWN_MAX)
    .map(({ domain, operation, object, reason, count }) => [
      `  ${style("red", `${domain}.${operation}`)}`,
      displaySafe(object) + (count > 1 ? ` (${count} times)` : ""),
      style("dim", displaySafe(reason)),
    ]);
  const more = report.denials.length - rows.length;
  return [head, ...table(rows), ...(more > 0 ? [style("dim", `  and ${more} more: --report has them`)] : [])];
}

function seconds(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
