/**
 * Copies of what has passed, for whoever comes after the pipeline.
 *
 * @module
 */
import { mkdir, readdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { SandboxError } from "../errors.ts";
import type { PipelineResult } from "./result-types.ts";
import { Store } from "./store.ts";

/**
 * Copies the outputs of stages that have passed to a folder, which must be new or empty: `STAGE/OUTPUT/PATH`.
 *
 * Shape: every content is verified on the way. Nothing else ever leaves a stage: what failed, or waits at its gate, is not there.
 *
 * @throws {SandboxError} ARTIFACT_CHANGED If an output is no longer what the stage made.
 * @throws {SandboxError} ARGUMENT_INVALID If the folder is not empty, or cannot be made.
 *
 * @example
 * ```ts
 * import { exportArtifacts, runPipeline } from "cofferdam";
 *
 * const stages = { say: { command: ["echo", "hello"], outputs: { said: { stdout: true } } } } as const;
 * const result = await runPipeline({ name: "hello", stages });
 * await exportArtifacts(result, "./artifacts"); // artifacts/say/said/stdout
 * ```
 */
export async function exportArtifacts(result: PipelineResult, folder: string): Promise<void> {
  const top = resolve(folder);
  await requireEmpty(top, folder);
  const store = new Store(join(result.folder, "objects"));
  for (const { name, status, outputs } of result.stages) {
    if (status !== "passed") continue;
    for (const output of outputs) {
      for (const file of output.files) {
        const path = join(top, name, output.name, file.path);
        await mkdir(dirname(path), { recursive: true });
        await store.copyTo(file, path, file.mode);
      }
    }
  }
}

async function requireEmpty(path: string, folder: string): Promise<void> {
  const reason = await mkdir(path, { recursive: true })
    .then(() => readdir(path))
    .then(
      (names) => (names.length > 0 ? "it is not empty" : undefined),
      (error: Error) => error.message,
    );
  if (reason === undefined) return;
  throw new SandboxError("ARGUMENT_INVALID", `Cannot copy artifacts to "${folder}": ${reason}`, {
    details: { argument: "folder", value: folder },
    hint: "Name a new folder",
  });
}
