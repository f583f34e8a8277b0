import { cpSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { runPipeline } from "../../src/mod.ts";
import {
  AFTER,
  BEFORE,
  cloneOf,
  DOCS,
  eventsOf,
  journalOf,
  linesOf,
  objectOf,
  overwrite,
  resume,
  type Scene,
  STEPS,
} from "./docs-run.ts";
import { filesOf, folderWith, pipelineOf, sh, stageOf } from "./support.ts";

describe("a run whose process is gone after a step", () => {
  let whole: Scene;
  beforeAll(async () => {
    const project = folderWith(BEFORE);
    const { folder, status } = await runPipeline(DOCS, { project, runs: folderWith(), approve: () => true });
    expect(status).toBe("passed");
    whole = { project, folder };
    expect(eventsOf(whole).map(({ kind }) => kind)).toEqual(STEPS);
  });

  /** The run as it is when everything up to a step is on the disk, and `done` of what follows it. */
  function cutAfter(step: number, released: boolean, torn = ""): Scene {
    const scene = cloneOf(whole);
    writeFileSync(journalOf(scene), `${linesOf(scene).slice(0, step).join("\n")}\n${torn}`);
    if (!released) {
      rmSync(scene.project, { recursive: true });
      cpSync(folderWith(BEFORE), scene.project, { recursive: true });
    }
    return scene;
  }

  const RELEASING = STEPS.indexOf("release.start") + 1;

  /** What lies before the gate is run again, which processes that are really killed show. */
  const CUT = STEPS.map((step, index) => [index + 1, step] as const).filter(([step]) => step > 5 || step === 3);

  test.each(CUT)("%i, %s", async (step) => {
    const scene = cutAfter(step, step > RELEASING, '{"half a line');
    const { result, events } = await resume(scene, { approve: () => true });
    expect(result.status).toBe("passed");
    expect(filesOf(scene.project)).toEqual(AFTER);
    const before = STEPS.slice(0, step);
    // What was let through does not run again, and what was answered is not asked again.
    if (before.includes("gate.ask")) expect(events.filter((event) => event.startsWith("stage.start"))).toEqual([]);
    if (before.includes("gate.answer")) expect(events.filter((event) => event.startsWith("gate"))).toEqual([]);
    if (before.includes("release.end")) expect(events.filter((event) => event.startsWith("release"))).toEqual([]);
  });

  test("and had written a part of what it released writes the rest, and that part not again", async () => {
    const scene = cutAfter(RELEASING, false);
    writeFileSync(join(scene.project, "docs/d.md"), "new d\n");
    rmSync(join(scene.project, "docs/b.md"));
    const { ino, ctimeMs } = statSync(join(scene.project, "docs/d.md"));
    const { result } = await resume(scene);
    expect([result.status, stageOf(result, "write").release?.applied]).toEqual(["passed", ["docs/a.md"]]);
    expect(filesOf(scene.project)).toEqual(AFTER);
    expect(statSync(join(scene.project, "docs/d.md"))).toMatchObject({ ino, ctimeMs });
  });

  test("and whose artifacts somebody changed after the answer releases nothing", async () => {
    const scene = cutAfter(STEPS.indexOf("gate.answer") + 1, false);
    overwrite(objectOf(scene, "new d\n"), "evil!\n");
    const { result } = await resume(scene);
    expect([result.status, stageOf(result, "write").failure]).toEqual(["failed", "artifact"]);
    expect(filesOf(scene.project)).toEqual(BEFORE);
  });

  test("and whose project somebody changed meanwhile is not resumed over that", async () => {
    const scene = cutAfter(RELEASING, false);
    writeFileSync(join(scene.project, "docs/a.md"), "mine\n");
    await expect(resume(scene)).rejects.toMatchObject({ code: "RUN_CHANGED", details: { changed: ["docs/a.md"] } });
    expect(filesOf(scene.project)).toMatchObject({ "docs/a.md": "mine\n", "docs/b.md": "old b\n" });
  });

  test("and that had only begun is no run", async () => {
    const scene = cutAfter(0, false);
    writeFileSync(journalOf(scene), "");
    await expect(resume(scene)).rejects.toThrow("it was ended before anything began");
  });
});

test("retries are counted over all processes of a run", async () => {
  const stages = pipelineOf({ fails: { command: sh("exit 1"), retries: { count: 2 } } });
  const project = folderWith();
  const { folder, stages: ended } = await runPipeline(stages, { project, runs: folderWith() });
  expect(ended[0]?.attempts).toHaveLength(3);
  const scene = { project, folder };
  // After the first attempt, and in the middle of the second.
  writeFileSync(journalOf(scene), `${linesOf(scene).slice(0, 4).join("\n")}\n`);
  const { result } = await resume(scene, {}, stages);
  expect([result.status, result.stages[0]?.attempts.map(({ attempt }) => attempt)]).toEqual(["failed", [1, 3, 4]]);
});

test("an aborted run ends its sandboxes, and can be resumed", async () => {
  const stages = pipelineOf({
    slow: {
      command: async ({ sandbox, attempt }) => (attempt === 1 ? sandbox.exec(["sleep", "60"]) : "done"),
      outputs: { said: { stdout: true } },
    },
  });
  const project = folderWith();
  const abort = new AbortController();
  const { status, folder } = await runPipeline(stages, {
    project,
    runs: folderWith(),
    signal: abort.signal,
    onEvent: ({ kind }) => void (kind === "stage.start" && setTimeout(() => abort.abort(), 100)),
  });
  expect(status).toBe("aborted");
  expect(eventsOf({ project, folder }).map(({ kind }) => kind)).toEqual(["run.start", "stage.start", "run.pause"]);
  const still = await resume({ project, folder }, { signal: AbortSignal.abort() }, stages);
  expect([still.result.status, still.events]).toEqual(["aborted", ["run.resume", "run.pause"]]);
  const { result, events } = await resume({ project, folder }, {}, stages);
  expect([result.status, events]).toEqual([
    "passed",
    ["run.resume", "stage.start slow", "stage.end slow", "stage.pass slow", "run.end"],
  ]);
});
