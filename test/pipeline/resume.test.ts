import { chmodSync, cpSync, linkSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type PipelineDefinition, type ResumePipelineOptions, runPipeline } from "../../src/mod.ts";
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
} from "./docs-run.ts";
import { filesOf, folderWith, stageOf } from "./support.ts";

describe("a run that waits at its gate", () => {
  let waiting: Scene;
  let digest = "";
  beforeAll(async () => {
    const project = folderWith(BEFORE);
    const result = await runPipeline(DOCS, { project, runs: folderWith() });
    expect(result.status).toBe("waiting");
    digest = stageOf(result, "write").gate?.digest ?? "";
    waiting = { project, folder: result.folder };
  });

  test("goes on with an approval of what was shown, and runs nothing again", async () => {
    const scene = cloneOf(waiting);
    const { result, events } = await resume(scene, { approvals: [{ stage: "write", digest }] });
    expect(result.status).toBe("passed");
    expect(events).toEqual([
      "run.resume",
      "gate.answer write",
      "release.start write",
      "release.end write",
      "stage.pass write",
      "run.end",
    ]);
    expect(filesOf(scene.project)).toEqual(AFTER);
    const again = await resume(scene);
    expect(again.result).toEqual({ ...result, journalHead: again.result.journalHead });
    expect(again.events).toEqual([]);
    await expect(resume(scene, { approvals: [{ stage: "write", digest }] })).rejects.toThrow(
      "its gate was passed already",
    );
  });

  test("asks again who is named now, with the same digest", async () => {
    const scene = cloneOf(waiting);
    const seen: string[] = [];
    const approve = ({ digest, text }: { digest: string; text: string }) => {
      seen.push(digest, text);
      return false;
    };
    const { result } = await resume(scene, { approve });
    expect([result.status, seen[0], seen[1]?.includes("+new d")]).toEqual(["denied", digest, true]);
    expect(filesOf(scene.project)).toEqual(BEFORE);
  });

  test.each([
    ["another digest", { stage: "write", digest: `sha256:${"0".repeat(64)}` }, /its gate waits with sha256:/],
    ["another stage", { stage: "make", digest: "" }, /no gate waits there/],
    ["a stage that is not there", { stage: "toString", digest: "" }, /no gate waits there/],
  ])("takes no approval of %s", async (_, approval, message) => {
    await expect(resume(waiting, { approvals: [approval] })).rejects.toThrow(message);
    expect(filesOf(waiting.project)).toEqual(BEFORE);
  });

  /** What somebody does to the run's folder while it waits. */
  const TAMPERED: Readonly<Record<string, (scene: Scene) => void>> = {
    "content is written over": (scene) => overwrite(objectOf(scene, "new d\n"), "evil!\n"),
    "longer content is written over": (scene) => overwrite(objectOf(scene, "new d\n"), "evil\n".repeat(1000)),
    "an object becomes a symlink": (scene) => {
      const path = objectOf(scene, "new d\n");
      rmSync(path);
      symlinkSync(objectOf(scene, "new a\n"), path);
    },
    "an object gets a second name": (scene) => linkSync(objectOf(scene, "new d\n"), join(scene.folder, "mine")),
    "an object is another one": (scene) => {
      const path = objectOf(scene, "new d\n");
      rmSync(path);
      cpSync(objectOf(scene, "new a\n"), path);
    },
    "an object is gone": (scene) => rmSync(objectOf(scene, "new d\n")),
    "an object is a folder": (scene) => {
      const path = objectOf(scene, "new d\n");
      rmSync(path);
      mkdirSync(path);
    },
    "the list of what was made is another one": (scene) => {
      const outputs =
        eventsOf(scene).find(({ kind, stage }) => kind === "stage.end" && stage === "write")?.outputs ?? "";
      const path = join(scene.folder, "objects", outputs.slice(7, 9), outputs.slice(9));
      overwrite(path, readFileSync(path, "utf8").replaceAll("docs/d.md", "docs/e.md"));
    },
    "what was shown is another text": (scene) => {
      const shown = eventsOf(scene).find(({ kind }) => kind === "gate.ask")?.shown ?? "";
      const path = join(scene.folder, "objects", shown.slice(7, 9), shown.slice(9));
      overwrite(path, readFileSync(path, "utf8").replace("new d", "evil!"));
    },
  };

  test.each(Object.keys(TAMPERED))("releases nothing where %s", async (name) => {
    const scene = cloneOf(waiting);
    TAMPERED[name]?.(scene);
    const { result } = await resume(scene, { approvals: [{ stage: "write", digest }] });
    expect([result.status, stageOf(result, "write").failure]).toEqual(["failed", "artifact"]);
    expect(filesOf(scene.project)).toEqual(BEFORE);
  });

  test.each([
    "content is written over",
    "an object becomes a symlink",
    "an object is another one",
    "the list of what was made is another one",
  ])("would release something else where %s, if objects were taken by their names", (name) => {
    const scene = cloneOf(waiting);
    TAMPERED[name]?.(scene);
    const object = (digest: string) =>
      readFileSync(join(scene.folder, "objects", digest.slice(0, 2), digest.slice(2)), "utf8");
    const outputs = eventsOf(scene).find(({ kind, stage }) => kind === "stage.end" && stage === "write")?.outputs ?? "";
    const files = JSON.parse(object(outputs.slice(7))).docs as { path: string; sha256: string }[];
    const released = Object.fromEntries(files.map(({ path, sha256 }) => [path, object(sha256)]));
    expect(released).not.toEqual(AFTER);
  });

  /** What somebody does to the journal. */
  const EDITED: Readonly<Record<string, (lines: string[]) => string[]>> = {
    "a line is changed": (lines) => lines.map((line) => line.replace('"on":"diff"', '"on":"plan"')),
    "a line is left out": (lines) => lines.filter((line) => !line.includes('"stage.pass"')),
    "a line is repeated": (lines) => [...lines, lines.at(-1) ?? ""],
    "lines change places": ([a = "", b = "", ...rest]) => [b, a, ...rest],
    "a line is no record": (lines) => [...lines, "{}"],
  };

  test.each(Object.keys(EDITED))("is not resumed where %s", async (name) => {
    const scene = cloneOf(waiting);
    writeFileSync(journalOf(scene), `${EDITED[name]?.(linesOf(scene)).join("\n")}\n`);
    await expect(resume(scene)).rejects.toMatchObject({ code: "RUN_UNUSABLE" });
    expect(filesOf(scene.project)).toEqual(BEFORE);
  });

  const write = DOCS.stages.write ?? { command: [] };
  /** What is not as it was, and how that is told. */
  const CHANGED: Readonly<
    Record<string, readonly [PipelineDefinition, ResumePipelineOptions, Readonly<Record<string, string>>, RegExp]>
  > = {
    "the command is": [
      { ...DOCS, stages: { ...DOCS.stages, write: { ...write, command: ["evil"] } } },
      {},
      {},
      /the definition of the pipeline/,
    ],
    "a stage is new": [
      { ...DOCS, stages: { ...DOCS.stages, more: { command: ["true"] } } },
      {},
      {},
      /the policy of the stage "more", the definition/,
    ],
    "the gate is": [
      { ...DOCS, stages: { ...DOCS.stages, write: { ...write, gate: { on: "plan" } } } },
      {},
      {},
      /the definition/,
    ],
    "the policy is": [
      {
        ...DOCS,
        stages: {
          ...DOCS.stages,
          write: { ...write, policy: { version: 1, network: { allow: [{ host: "a.test" }] } } },
        },
      },
      {},
      {},
      /the policy of the stage "write"/,
    ],
    "the file that it came from is": [DOCS, { source: { path: "x", digest: "sha256:1" } }, {}, /the definition/],
    "an input is": [DOCS, {}, { "docs/c.md": "other\n" }, /docs\/c\.md/],
    "an input is new": [DOCS, {}, { "docs/z.md": "z\n" }, /docs\/z\.md/],
  };

  test.each(Object.keys(CHANGED))("is not resumed where %s not as it was", async (name) => {
    const scene = cloneOf(waiting);
    const [pipeline, options, files, message] = CHANGED[name] ?? [DOCS, {}, {}, /^$/];
    for (const [path, text] of Object.entries(files)) writeFileSync(join(scene.project, path), text);
    const error = await resume(scene, options, pipeline).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "RUN_CHANGED", message: expect.stringMatching(message) });
  });

  test("is one process's at a time, and its user's alone", async () => {
    const scene = cloneOf(waiting);
    const inside: unknown[] = [];
    const approve = async () => {
      inside.push(await resume(scene).catch((error: unknown) => error));
      return false;
    };
    await resume(scene, { approve });
    expect(inside).toEqual([expect.objectContaining({ code: "RUN_BUSY" })]);
    chmodSync(scene.folder, 0o750);
    await expect(resume(scene)).rejects.toThrow("other users may enter it");
    await expect(resume({ ...scene, folder: join(scene.folder, "audit") })).rejects.toMatchObject({
      code: "RUN_UNUSABLE",
    });
    await expect(resume({ ...scene, folder: "/nowhere/at/all" })).rejects.toMatchObject({ code: "RUN_UNUSABLE" });
  });
});

test("a gate whose time is over by then is denied, whoever approves", async () => {
  const brief = {
    ...DOCS,
    stages: { ...DOCS.stages, write: { ...(DOCS.stages.write ?? { command: [] }), gate: { timeoutMs: 1 } } },
  };
  const project = folderWith(BEFORE);
  const waits = await runPipeline(brief, { project, runs: folderWith(), approve: () => "wait" });
  const digest = stageOf(waits, "write").gate?.digest ?? "";
  const result =
    waits.status === "denied"
      ? waits
      : (await resume({ project, folder: waits.folder }, { approvals: [{ stage: "write", digest }] }, brief)).result;
  expect([result.status, stageOf(result, "write").gate?.by]).toEqual(["denied", "deadline"]);
  expect(filesOf(project)).toEqual(BEFORE);
});
