/**
 * What happens in a run, line by line.
 *
 * @module
 */
import type { PipelineEvent, PipelineResult, StageResult } from "../../mod.ts";
import { displaySafe } from "../library.ts";
import { type Look, type Style, styleOf } from "../style.ts";
import { aside, note, say, table } from "../write.ts";
import type { PipelineFlags } from "./flags.ts";

/** Tells of each step; undefined: nobody wants to hear. */
export function progress({ quiet, json }: PipelineFlags): ((event: PipelineEvent) => void) | undefined {
  if (quiet || json) return undefined;
  const style = styleOf(process.stderr);
  return (event) => {
    const line = stepLine(event, style);
    if (line !== undefined) note(line);
  };
}

function stepLine(event: PipelineEvent, style: Style): string | undefined {
  switch (event.kind) {
    case "run.start":
      return style("dim", `run ${event.run}`);
    case "stage.start":
      return `${style("bold", event.stage)}: started${event.attempt > 1 ? ` (attempt ${event.attempt})` : ""}`;
    case "stage.end":
      return event.retry ? `${style("bold", event.stage)}: ${style("yellow", "again")}: ${event.reason}` : undefined;
    case "gate.answer": {
      const word = event.approved ? style("green", "let through") : style("red", "denied");
      return `${style("bold", event.stage)}: ${word} by ${event.by}`;
    }
    case "release.end":
      return event.applied > 0 ? `${style("bold", event.stage)}: released ${event.applied} changes` : undefined;
    case "stage.pass":
      return `${style("bold", event.stage)}: ${style("green", "passed")}`;
    case "stage.fail":
      return `${style("bold", event.stage)}: ${style("red", "failed")}: ${event.reason}`;
    default:
      return undefined;
  }
}

const LOOKS: Readonly<Record<StageResult["status"], Look>> = {
  passed: "green",
  failed: "red",
  denied: "red",
  waiting: "yellow",
  skipped: "dim",
  pending: "dim",
};

/** What came of it, and how to go on. */
export function tellResult(result: PipelineResult, { quiet, json }: PipelineFlags): void {
  if (json) {
    say(JSON.stringify(result));
    return;
  }
  if (quiet) return;
  const style = styleOf(process.stdout);
  const rows = result.stages.map(({ name, status, reason = "", attempts }) => {
    const denied = attempts.reduce((sum, { decisions }) => sum + decisions.denied, 0);
    return [name, style(LOOKS[status], status), denied > 0 ? `${denied} denied` : "", style("dim", reason)];
  });
  for (const line of table(rows)) say(line);
  for (const stage of result.stages) for (const line of lastWords(stage)) aside(line);
  aside(`run ${result.run} ${result.status}, in ${displaySafe(result.folder)}`);
  if (result.status === "aborted") aside(`To go on: cofferdam pipeline resume ${displaySafe(result.folder)}`);
  for (const { name, status, gate } of result.stages) {
    if (status !== "waiting" || gate === undefined) continue;
    aside(
      `To let it through: cofferdam pipeline resume ${displaySafe(result.folder)} --approve ${name}@${gate.digest}`,
    );
  }
}

/** How much of a failed program's output is shown. */
const WORDS_MAX = 10;

/** The end of what a program said whose failure is its own. */
function lastWords({ name, failure, attempts }: StageResult): string[] {
  const said = attempts.at(-1)?.stderrTail ?? "";
  if (failure !== "exit" || said.trim() === "") return [];
  return said
    .trimEnd()
    .split("\n")
    .slice(-WORDS_MAX)
    .map((line) => `  ${name} | ${displaySafe(line)}`);
}
