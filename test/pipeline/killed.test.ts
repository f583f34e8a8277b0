import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { type PipelineEvent, resumePipeline } from "../../src/mod.ts";
import { CLI } from "../cli/support.ts";
import { filesOf, folderWith, pipelineOf, sh } from "./support.ts";

const BEFORE = { "docs/a.md": "old a\n" };
const AFTER = { "docs/a.md": "new a\n", "docs/b.md": "new b\n" };

const PIPELINE = pipelineOf({
  make: { command: sh("echo word > out/word"), outputs: { word: { path: "out/word", kind: "file" } } },
  write: {
    command: sh("cat in/word; echo 'new a' > docs/a.md; echo 'new b' > docs/b.md"),
    inputs: ["docs", { stage: "make", output: "word", to: "in/word" }],
    outputs: { docs: { path: "docs", release: true } },
    gate: { on: "diff" },
  },
});

/** How many steps a run of it has. */
const STEPS = 12;
const LANES = 3;

const mod = resolve(CLI[1] ?? "", "../../mod.js");
const victim = fileURLToPath(new URL("fixtures/victim.mjs", import.meta.url));

interface Killed {
  readonly project: string;
  readonly folder: string;
  readonly signal: string | null;
  readonly steps: readonly string[];
}

/** Runs it in a process that is killed at a step. */
async function killedAt(step: number): Promise<Killed> {
  const [project, runs] = [folderWith(BEFORE), folderWith()];
  const args = [victim, mod, JSON.stringify(PIPELINE), project, runs, String(step)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  const [, signal] = (await once(child, "exit")) as [number | null, string | null];
  const journal = Object.keys(filesOf(runs)).find((path) => path.endsWith("journal.jsonl")) ?? "";
  const lines = readFileSync(join(runs, journal), "utf8").trimEnd().split("\n");
  const steps = lines.map((line) => (JSON.parse(line) as PipelineEvent).kind);
  return { project, folder: join(runs, journal, ".."), signal, steps };
}

describe("a pipeline whose process is killed", () => {
  const killed: Killed[] = [];
  beforeAll(async () => {
    const left = Array.from({ length: STEPS }, (_, index) => index);
    const lane = async () => {
      for (let index = left.shift(); index !== undefined; index = left.shift())
        killed[index] = await killedAt(index + 1);
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  });

  test.each(Array.from({ length: STEPS }, (_, index) => index + 1))(
    "at step %i goes on, and does nothing twice",
    async (step) => {
      const { project, folder, signal, steps } = killed[step - 1] as Killed;
      expect([signal, steps.length]).toEqual(["SIGKILL", step]);
      const released = steps.includes("release.end");
      const before = released ? statSync(join(project, "docs/b.md")) : undefined;
      const events: string[] = [];
      const onEvent = ({ kind }: PipelineEvent) => events.push(kind);
      const { status } = await resumePipeline(PIPELINE, folder, { onEvent, approve: () => true });
      expect(status).toBe("passed");
      expect(filesOf(project)).toEqual(AFTER);
      if (steps.includes("gate.ask")) expect(events).not.toContain("stage.start");
      if (steps.includes("gate.answer")) expect(events).not.toContain("gate.answer");
      if (released) {
        expect(events).not.toContain("release.start");
        const { ino, ctimeMs } = statSync(join(project, "docs/b.md"));
        expect([ino, ctimeMs]).toEqual([before?.ino, before?.ctimeMs]);
      }
    },
  );
});
