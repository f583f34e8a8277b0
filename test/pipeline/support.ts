/** Projects and runs of pipelines, in folders that go away with the test. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";
import {
  type PipelineDefinition,
  type PipelineResult,
  type RunPipelineOptions,
  runPipeline,
  type Stage,
  type StageResult,
} from "../../src/mod.ts";

const made: string[] = [];

afterAll(() => {
  for (const path of made) rmSync(path, { recursive: true, force: true });
});

/** A folder with these files. */
export function folderWith(files: Readonly<Record<string, string>> = {}): string {
  const path = mkdtempSync(join(tmpdir(), "pipeline-"));
  made.push(path);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
    chmodSync(join(path, name), 0o644);
  }
  return path;
}

/** The files of a folder, by their paths. */
export function filesOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
  return Object.fromEntries(files.sort().map((path) => [path.slice(folder.length + 1), readFileSync(path, "utf8")]));
}

export const sh = (script: string): readonly string[] => ["sh", "-c", script];

/** A pipeline of these stages on the local runtime. */
export function pipelineOf(
  stages: Readonly<Record<string, Stage>>,
  more: Partial<PipelineDefinition> = {},
): PipelineDefinition {
  return { name: "test", sandbox: { runtime: "local" }, ...more, stages };
}

/** Runs it in a run's folder of its own. */
export function run(
  stages: Readonly<Record<string, Stage>>,
  project: string,
  options: RunPipelineOptions = {},
): Promise<PipelineResult> {
  return runPipeline(pipelineOf(stages), { project, runs: folderWith(), ...options });
}

/** What came of a stage. */
export function stageOf(result: PipelineResult, name: string): StageResult {
  const found = result.stages.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no stage ${name}`);
  return found;
}
