import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { pipelineReport, runPipeline } from "../../src/mod.ts";
import { createWardenLocator } from "../../src/warden/mod.ts";
import { folderWith, pipelineOf, sh, stageOf } from "./support.ts";

const IMAGE = "cofferdam-test-busybox";
const folder = folderWith();
const archive = join(folder, "image.tar");

beforeAll(async () => {
  const warden = await createWardenLocator()(process.arch === "arm64" ? "arm64" : "x64");
  vi.stubEnv("COFFERDAM_WARDEN", warden.path);
  // Where the archive is unpacked.
  vi.stubEnv("COFFERDAM_CACHE", join(folder, "cache"));
  execFileSync("docker", ["save", "-o", archive, IMAGE]);
});

afterAll(() => vi.unstubAllEnvs());

test("stages and checks run from a root, which the provenance names by what is known of it", async () => {
  const id = execFileSync("docker", ["image", "inspect", "-f", "{{.Id}}", IMAGE], { encoding: "utf8" }).trim();
  const make = { command: sh("readlink -f /bin/sh"), outputs: { said: { stdout: true } } } as const;
  const result = await runPipeline(
    pipelineOf(
      {
        archive: { ...make, checks: [{ name: "busybox", command: ["grep", "-x", "/bin/busybox", "stdout/said"] }] },
        image: { ...make, sandbox: { image: IMAGE } },
        missing: { ...make, sandbox: { root: join(folder, "missing.tar") } },
      },
      { sandbox: { root: archive } },
    ),
    { project: folderWith(), runs: folderWith() },
  );
  const [attempt] = stageOf(result, "archive").attempts;
  const root = { name: archive, path: archive, id };
  expect(attempt).toMatchObject({ runtime: "local", root, stdoutTail: "/bin/busybox\n", checks: [{ root }] });
  expect(attempt?.checks[0]?.policyDigest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(attempt?.checks[0]?.policyDigest).not.toBe(attempt?.policyDigest);
  expect(stageOf(result, "archive").status).toBe("passed");
  const [container] = stageOf(result, "image").attempts;
  expect(container).toMatchObject({ runtime: "docker", image: { name: IMAGE, id } });
  expect(container?.root).toBeUndefined();
  expect(stageOf(result, "missing").reason).toMatch(/does not exist/);
  const { predicate } = JSON.parse(pipelineReport(result, "provenance"));
  expect(predicate.runDetails.cofferdam_stages[0].attempts[0].checks).toMatchObject([
    { name: "busybox", passed: true, policyDigest: attempt?.checks[0]?.policyDigest },
  ]);
  expect(predicate.buildDefinition.resolvedDependencies).toEqual(
    expect.arrayContaining([
      { name: `root ${archive}`, digest: { sha256: id.slice("sha256:".length) } },
      { name: `image ${IMAGE}`, digest: { sha256: id.slice("sha256:".length) } },
    ]),
  );
});

test("a folder is a root, too, whose digest nobody knows", async () => {
  const [unpacked = ""] = readdirSync(join(folder, "cache/images"));
  const root = join(folder, "cache/images", unpacked, "root");
  const result = await runPipeline(pipelineOf({ look: { command: sh("readlink -f /bin/sh"), sandbox: { root } } }), {
    project: folderWith(),
    runs: folderWith(),
  });
  expect(stageOf(result, "look").attempts[0]).toMatchObject({ stdoutTail: "/bin/busybox\n" });
  expect(stageOf(result, "look").attempts[0]?.root).toEqual({ name: root, path: root });
});
