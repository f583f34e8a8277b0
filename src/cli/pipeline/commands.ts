/**
 * The commands of pipelines: what they take.
 *
 * @module
 */
import { type Command, InvalidArgumentError } from "commander";
import type { PipelineFlags, ReportTarget } from "./flags.ts";

/** Adds `pipeline` to the tree. */
export function addPipeline(program: Command): void {
  const pipeline = program
    .command("pipeline")
    .summary("run agents in stages, with gates between them")
    .description("Runs agents in stages: what each makes passes checks and a gate before it is anybody's.");
  shared(
    pipeline
      .command("run")
      .summary("run a pipeline, and ask at its gates")
      .description("Runs a pipeline, and asks at its gates.")
      .argument("<file>", "a module that exports a pipeline (TypeScript or JavaScript), or YAML or JSON")
      .option("--project <folder>", "what its inputs come from, and what it releases to", ".")
      .option("--runs <folder>", "where the run's folder is made (default: the state folder of this user)"),
  )
    .addHelpText("after", HELP)
    .action(async (file: string, flags: PipelineFlags) => {
      const { runPipelineFile } = await import("./run.ts");
      process.exitCode = await runPipelineFile(file, flags);
    });
  shared(
    pipeline
      .command("resume")
      .summary("go on with a run that waits, or was ended")
      .description("Goes on with a run that waits at a gate, or was interrupted or killed.")
      .argument("<run>", "the folder of the run, or its id")
      .option("--file <file>", "where the pipeline is now (default: where it was)")
      .option("--project <folder>", "where the project is now (default: where it was)")
      .option(
        "--approve <stage@digest>",
        "let this through: what waits there, and nothing else (may be repeated)",
        approval,
      ),
  )
    .addHelpText("after", HELP)
    .action(async (run: string, flags: PipelineFlags) => {
      const { resumePipelineRun } = await import("./run.ts");
      process.exitCode = await resumePipelineRun(run, flags);
    });
}

function shared(command: Command): Command {
  return command
    .option("--report <format=file>", "write a report: junit, sarif, json or provenance (may be repeated)", report)
    .option("--artifacts <folder>", "copy what has passed to this folder, which must be new or empty")
    .option("--no-ask", "ask nobody: stop at gates, and wait")
    .option("-q, --quiet", "say nothing of what happens")
    .option("--json", "print what came of it as JSON");
}

const HELP = `
Examples:
  $ cofferdam pipeline run docs.pipeline.ts
  $ cofferdam pipeline run docs.pipeline.ts --report junit=junit.xml --report sarif=denials.sarif
  $ cofferdam pipeline resume 0123456789abcdef --approve write@sha256:...

Exit codes: 0 passed, 1 failed, 3 a gate waits for an answer, 4 a gate was denied, 5 interrupted (3 and 5 can be resumed).`;

const FORMATS = ["junit", "sarif", "json", "provenance"] as const;

function report(value: string, before: readonly ReportTarget[] = []): readonly ReportTarget[] {
  const at = value.indexOf("=");
  const format = FORMATS.find((each) => each === value.slice(0, at));
  if (format === undefined || at === value.length - 1) {
    throw new InvalidArgumentError(`It must be FORMAT=FILE, with one of ${FORMATS.join(", ")}.`);
  }
  return [...before, { format, file: value.slice(at + 1) }];
}

function approval(
  value: string,
  before: NonNullable<PipelineFlags["approve"]> = [],
): NonNullable<PipelineFlags["approve"]> {
  const [, stage, digest] = /^([a-z0-9-]{1,63})@(sha256:[0-9a-f]{64})$/.exec(value) ?? [];
  if (stage === undefined || digest === undefined) {
    throw new InvalidArgumentError("It must be STAGE@sha256: and 64 hexadecimal digits.");
  }
  return [...before, { stage, digest }];
}
