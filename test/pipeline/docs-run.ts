/**
 * A run with two stages and a gate, and what tests do to what it left on the disk.
 */
import { chmodSync, cpSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import {
  type PipelineDefinition,
  type PipelineEvent,
  type PipelineResult,
  type ResumePipelineOptions,
  resumePipeline,
} from "../../src/mod.ts";
import { folderWith, pipelineOf, sh } from "./support.ts";

export const BEFORE = { "docs/a.md": "old a\n", "docs/b.md": "old b\n", "docs/c.md": "old c\n" };
export const AFTER = { "docs/a.md": "new a\n", "docs/c.md": "old c\n", "docs/d.md": "new d\n" };

export const DOCS: PipelineDefinition = pipelineOf({
  make: { command: sh("echo word > out/word"), outputs: { word: { path: "out/word", kind: "file" } } },
  write: {
    command: sh(
      "test \"$(cat in/word)\" = word && rm docs/b.md && echo 'new a' > docs/a.md && echo 'new d' > docs/d.md",
    ),
    inputs: ["docs", { stage: "make", output: "word", to: "in/word" }],
    outputs: { docs: { path: "docs", release: true } },
    gate: { on: "diff" },
  },
});

/** The steps of a run of it that is let through. */
export const STEPS: readonly PipelineEvent["kind"][] = [
  "run.start",
  ...(["stage.start", "stage.end", "stage.pass"] as const),
  ...(["stage.start", "stage.end", "gate.ask", "gate.answer", "release.start", "release.end", "stage.pass"] as const),
  "run.end",
];

export interface Scene {
  readonly project: string;
  readonly folder: string;
}

/** The same run in other folders: what is done to it is done to it alone. */
export function cloneOf(scene: Scene): Scene {
  const project = folderWith();
  cpSync(scene.project, project, { recursive: true });
  const folder = join(folderWith(), basename(scene.folder));
  cpSync(scene.folder, folder, { recursive: true, mode: 0 });
  chmodSync(folder, 0o700);
  return { project, folder };
}

export async function resume(
  { folder, project }: Scene,
  options: ResumePipelineOptions = {},
  pipeline = DOCS,
): Promise<{ result: PipelineResult; events: string[] }> {
  const events: string[] = [];
  const onEvent = (event: PipelineEvent) => events.push("stage" in event ? `${event.kind} ${event.stage}` : event.kind);
  const result = await resumePipeline(pipeline, folder, { project, onEvent, ...options });
  return { result, events };
}

export const journalOf = ({ folder }: Scene): string => join(folder, "journal.jsonl");
export const linesOf = (scene: Scene): string[] => readFileSync(journalOf(scene), "utf8").trimEnd().split("\n");
export const eventsOf = (scene: Scene): Record<string, string>[] => linesOf(scene).map((line) => JSON.parse(line));

/** The path of an object. */
export function objectOf({ folder }: Scene, text: string): string {
  const objects = join(folder, "objects");
  const found = readdirSync(objects, { recursive: true, encoding: "utf8" }).find((name) => {
    const path = join(objects, name);
    return statSync(path).isFile() && readFileSync(path, "utf8") === text;
  });
  if (found === undefined) throw new Error(`no object is ${text}`);
  return join(objects, found);
}

export function overwrite(path: string, text: string): void {
  chmodSync(path, 0o600);
  writeFileSync(path, text);
}
