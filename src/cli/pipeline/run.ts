/**
 * `cofferdam pipeline run` and `resume`.
 *
 * @module
 */
import { relative } from "node:path";
import { exportArtifacts, type PipelineResult, pipelineReport, resumePipeline, runPipeline } from "../../mod.ts";
import { runSource } from "../../pipeline/run.ts";
import { EXIT } from "../exit-codes.ts";
import { UsageError } from "../failure.ts";
import { Interruption } from "../run/interruption.ts";
import { openOutFile } from "../run/out-file.ts";
import { packageVersion } from "../version.ts";
import type { PipelineFlags, ReportTarget } from "./flags.ts";
import { gateApprover } from "./gates.ts";
import { type LoadedPipeline, loadPipeline } from "./load.ts";
import { progress, tellResult } from "./progress.ts";

/** Runs a pipeline; the exit code. */
export async function runPipelineFile(path: string, flags: PipelineFlags): Promise<number> {
  const loaded = await loadPipeline(path);
  return finish(loaded, flags, (shared) => {
    const { project = ".", runs } = flags;
    return runPipeline(loaded.pipeline, { ...shared, project, ...(runs === undefined ? {} : { runs }) });
  });
}

/** Goes on with a run; the exit code. */
export async function resumePipelineRun(run: string, flags: PipelineFlags): Promise<number> {
  const path = flags.file ?? (await runSource(run));
  if (path === undefined) throw new UsageError(`The run "${run}" does not say where its pipeline is: use --file`);
  const loaded = await loadPipeline(path);
  return finish(loaded, flags, (shared) => {
    const { project, approve: approvals = [] } = flags;
    return resumePipeline(loaded.pipeline, run, {
      ...shared,
      approvals,
      ...(project === undefined ? {} : { project }),
    });
  });
}

type Shared = NonNullable<Parameters<typeof runPipeline>[1]>;

async function finish(
  { file, digest }: LoadedPipeline,
  flags: PipelineFlags,
  run: (shared: Shared) => Promise<PipelineResult>,
): Promise<number> {
  // Before anything runs: a path that cannot be used is told in time.
  await using reports = await openReports(flags.report ?? []);
  const interruption = new Interruption();
  try {
    const onEvent = progress(flags);
    const result = await run({
      approve: gateApprover(flags),
      signal: interruption.signal,
      source: { path: file, digest },
      ...(onEvent === undefined ? {} : { onEvent }),
    });
    await reports.write(result, relative(process.cwd(), file));
    if (flags.artifacts !== undefined) await exportArtifacts(result, flags.artifacts);
    tellResult(result, flags);
    return CODES[result.status];
  } finally {
    interruption.close();
  }
}

const CODES: Readonly<Record<PipelineResult["status"], number>> = {
  passed: EXIT.ok,
  failed: EXIT.problem,
  waiting: EXIT.asks,
  denied: EXIT.denied,
  aborted: EXIT.interrupted,
};

async function openReports(
  targets: readonly ReportTarget[],
): Promise<AsyncDisposable & { write(result: PipelineResult, source: string): Promise<void> }> {
  const files: { readonly target: ReportTarget; readonly handle: Awaited<ReturnType<typeof openOutFile>> }[] = [];
  const close = async () => {
    for (const { handle } of files) await handle?.close();
  };
  try {
    for (const target of targets) files.push({ target, handle: await openOutFile("--report", target.file) });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async write(result, source) {
      const options = { version: packageVersion(), ...(source.startsWith("..") ? {} : { source }) };
      for (const { target, handle } of files) await handle?.writeFile(pipelineReport(result, target.format, options));
    },
    [Symbol.asyncDispose]: close,
  };
}
