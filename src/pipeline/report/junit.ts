/**
 * JUnit XML: a suite for each stage, with a case for the stage, its checks and its gate.
 *
 * @module
 */
import type { AttemptFacts, PipelineResult, StageResult } from "../result-types.ts";
import { xmlElement, xmlLines } from "./text.ts";

interface Case {
  readonly name: string;
  readonly seconds: number;
  readonly failure?: { readonly type: string; readonly message: string };
  readonly skipped?: string;
}

/** Writes it. */
export function junitReport(result: PipelineResult): string {
  const suites = result.stages.map((stage) => suiteOf(result.pipeline, stage));
  const all = result.stages.flatMap(casesOf);
  const root = xmlElement("testsuites", { name: result.pipeline, ...countsOf(all) }, suites);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${root}\n`;
}

function suiteOf(pipeline: string, stage: StageResult): string {
  const cases = casesOf(stage);
  const { attempts } = stage;
  const last = attempts.at(-1);
  const output = (name: string, text: string | undefined) => {
    return text === undefined || text === "" ? [] : [`<${name}>${xmlLines(text)}</${name}>`];
  };
  return xmlElement(
    "testsuite",
    { name: `${pipeline}.${stage.name}`, timestamp: attempts[0]?.startedAt, ...countsOf(cases) },
    [
      ...cases.map((each) => caseElement(`${pipeline}.${stage.name}`, each)),
      ...output("system-out", last?.stdoutTail),
      ...output("system-err", last?.stderrTail),
    ],
  );
}

function casesOf(stage: StageResult): Case[] {
  const { attempts, gate } = stage;
  const last = attempts.at(-1);
  const seconds = attempts.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000;
  const checks = (last?.checks ?? []).map(({ name, durationMs, problem }): Case => {
    const about = { name: `check: ${name}`, seconds: durationMs / 1000 };
    return problem === undefined ? about : { ...about, failure: { type: "check", message: problem } };
  });
  return [
    { name: "stage", seconds, ...outcomeOf(stage, last) },
    ...checks,
    ...(gate === undefined ? [] : [gateCase(stage, gate)]),
  ];
}

function outcomeOf({ status, reason = "", failure }: StageResult, last: AttemptFacts | undefined): Partial<Case> {
  if (status === "failed") return { failure: { type: failure ?? "failed", message: reason } };
  return last === undefined ? { skipped: reason || `the stage is ${status}` } : {};
}

function gateCase(
  { status, reason = "" }: StageResult,
  { on, approved, digest }: NonNullable<StageResult["gate"]>,
): Case {
  const about = { name: `gate: ${on}`, seconds: 0 };
  if (approved) return about;
  if (approved === undefined)
    return { ...about, skipped: `it is ${status === "waiting" ? "open" : "closed"}: ${digest}` };
  return { ...about, failure: { type: "denied", message: reason } };
}

function caseElement(classname: string, { name, seconds, failure, skipped }: Case): string {
  const children = [
    ...(failure === undefined ? [] : [xmlElement("failure", { type: failure.type, message: failure.message })]),
    ...(skipped === undefined ? [] : [xmlElement("skipped", { message: skipped })]),
  ];
  return xmlElement("testcase", { classname, name, time: seconds.toFixed(3) }, children);
}

function countsOf(cases: readonly Case[]): Record<string, string | number> {
  return {
    tests: cases.length,
    failures: cases.filter(({ failure }) => failure !== undefined).length,
    errors: 0,
    skipped: cases.filter(({ skipped }) => skipped !== undefined).length,
    time: cases.reduce((sum, { seconds }) => sum + seconds, 0).toFixed(3),
  };
}
