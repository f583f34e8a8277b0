import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { type GateRequest, matchesSchema, type PipelineEvent, runPipeline, verifyAuditLog } from "../../src/mod.ts";
import { filesOf, folderWith, pipelineOf, sh, stageOf } from "./support.ts";

test("a pipeline takes a project through stages, checks and a gate, and releases what was shown", async () => {
  const project = folderWith({
    "src/a.ts": "export const a = 1;\n",
    "docs/old.md": "old\n",
    "docs/guide.md": "# Guide\n",
    ".env": "SECRET=1\n",
  });
  const shown: GateRequest[] = [];
  const events: PipelineEvent["kind"][] = [];
  const result = await runPipeline(
    pipelineOf({
      count: {
        command: sh(
          "grep -c export src/a.ts > out/count.txt; cat .env; cat /etc/hostname > /dev/null; echo '{\"ok\":true}'",
        ),
        inputs: ["src"],
        outputs: { count: { path: "out/count.txt", kind: "file" }, said: { stdout: true } },
        checks: [
          matchesSchema("said", z.strictObject({ ok: z.boolean() })),
          {
            name: "is a number",
            run: async (outputs) => (/^\d+\n$/.test(await outputs.readText("count")) ? undefined : "no"),
          },
          { name: "cannot write", command: sh('test "$(cat out/count.txt)" = 1 && ! touch out/x && cat stdout/said') },
        ],
      },
      write: {
        command: sh(
          'echo "exports: $(cat in/count.txt)" >> docs/guide.md; rm docs/old.md; mkdir docs/new; echo new > docs/new/page.md; chmod 755 docs/new/page.md; echo x > tmp/scratch',
        ),
        inputs: ["docs", { stage: "count", output: "count", to: "in/count.txt" }],
        outputs: { docs: { path: "docs", release: true } },
        scratch: ["tmp"],
        gate: {
          approve: (request) => {
            shown.push(request);
            return { approved: true, by: "alice", reason: "reads well" };
          },
        },
      },
      after: {
        needs: ["write"],
        command: sh("cat docs/guide.md"),
        inputs: [{ stage: "write", output: "docs" }],
        outputs: { text: { stdout: true } },
      },
    }),
    { project, runs: folderWith(), onEvent: ({ kind }) => events.push(kind) },
  );
  expect(result.stages.map(({ name, status, reason }) => [name, status, reason])).toEqual([
    ["count", "passed", undefined],
    ["write", "passed", undefined],
    ["after", "passed", undefined],
  ]);
  expect(result.status).toBe("passed");
  expect(filesOf(project)).toEqual({
    ".env": "SECRET=1\n",
    "docs/guide.md": "# Guide\nexports: 1\n",
    "docs/new/page.md": "new\n",
    "src/a.ts": "export const a = 1;\n",
  });
  expect(statSync(join(project, "docs/new/page.md")).mode & 0o777).toBe(0o755);
  const [gate] = shown;
  expect(gate?.changes.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
    "modified docs/guide.md",
    "added docs/new/page.md",
    "deleted docs/old.md",
  ]);
  expect(gate?.text).toContain("+exports: 1");
  expect(stageOf(result, "write").gate).toMatchObject({ approved: true, by: "alice", digest: gate?.digest });
  expect(stageOf(result, "write").release?.applied).toHaveLength(3);
  const [facts] = stageOf(result, "count").attempts;
  expect(facts).toMatchObject({ exitCode: 0, runtime: "local", checks: [{ name: "said matches its schema" }, {}, {}] });
  const log = await verifyAuditLog(join(result.folder, "audit/count-1.jsonl"));
  expect(facts?.auditHead).toBe(log.head);
  expect(events).toEqual([
    "run.start",
    ...["stage.start", "stage.end", "stage.pass"],
    ...["stage.start", "stage.end", "gate.ask", "gate.answer", "release.start", "release.end", "stage.pass"],
    ...["stage.start", "stage.end", "stage.pass", "run.end"],
  ]);
  expect(statSync(result.folder).mode & 0o777).toBe(0o700);
  expect(Object.keys(filesOf(result.folder)).filter((path) => path.startsWith("work"))).toEqual([]);
  expect(readFileSync(join(result.folder, "journal.jsonl"), "utf8")).not.toContain("SECRET");
});

test("a pipeline runs in containers, of the very image that is written down", async () => {
  const image = "cofferdam-test-busybox:latest";
  const result = await runPipeline(
    pipelineOf(
      {
        make: {
          command: sh("ln -s /etc/passwd out/link; cat in/a.txt > out/b.txt; rm out/link"),
          inputs: [{ project: "a.txt", to: "in/a.txt" }],
          outputs: { out: { path: "out", release: true } },
          checks: [{ name: "is there", command: ["cat", "out/b.txt"] }],
          gate: { approve: () => true },
        },
        smuggle: { command: sh("ln -s /etc/passwd out/link"), outputs: { out: { path: "out" } } },
      },
      { sandbox: { runtime: "docker", image } },
    ),
    { project: folderWith({ "a.txt": "a\n" }), runs: folderWith() },
  );
  expect(result.stages.map(({ status, reason }) => [status, reason])).toEqual([
    ["passed", undefined],
    ["failed", expect.stringContaining("it is a symlink")],
  ]);
  const [attempt] = stageOf(result, "make").attempts;
  expect(attempt?.image).toEqual({ name: image, id: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
  expect(attempt?.checks[0]?.image).toEqual(attempt?.image);
});
