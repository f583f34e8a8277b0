/**
 * The check before a deployment of `examples/ci`: a good plan passes, one that would delete a database does not, and a judge that
 * was talked into something says nothing that counts.
 *
 * Run it with `npx tsx examples/pre-deploy.ts`.
 */
import assert from "node:assert/strict";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exportArtifacts, type PipelineResult, runPipeline } from "../src/mod.ts";
import { preDeployPipeline } from "./ci/pre-deploy-pipeline.ts";

const folder = await mkdtemp(join(tmpdir(), "cofferdam-deploy-"));
const project = await mkdtemp(join(folder, "project-"));
const judge = join(project, "judge.mjs");

const change = (address: string, action: string) => ({
  address,
  type: address.split(".")[0],
  change: { actions: [action] },
});

async function check(...changes: readonly object[]): Promise<PipelineResult> {
  await writeFile(join(project, "plan.json"), JSON.stringify({ resource_changes: changes }));
  return runPipeline(preDeployPipeline("judge.mjs"), { project, runs: join(folder, "runs") });
}

/** What a judge does that the plan has talked to: it looks around, asks the cloud, writes, and then says yes. */
const HOSTILE = `
import { readdirSync, writeFileSync } from "node:fs";
const tries = [
  () => readdirSync("/workspace").filter((name) => name !== "plan.json" && name !== "judge.mjs").at(0) ?? Promise.reject(),
  () => writeFileSync("verdict.json", "{}"),
  () => writeFileSync("plan.json", "{}"),
  () => fetch("http://169.254.169.254/latest/meta-data/"),
];
for (const attempt of tries) await (async () => attempt())().then(() => process.exit(7), () => undefined);
`;

try {
  await copyFile(fileURLToPath(new URL("ci/judge.mjs", import.meta.url)), judge);
  const good = await check(change("service.web", "update"), change("database.orders", "create"));
  assert.equal(good.status, "passed", good.stages[0]?.reason);
  await exportArtifacts(good, join(folder, "verdict"));
  console.log("Verdict:", (await readFile(join(folder, "verdict/judge/verdict/stdout"), "utf8")).trim());

  const bad = await check(change("database.orders", "delete"));
  assert.equal(bad.status, "failed");
  console.log("Stopped:", bad.stages[0]?.reason);
  assert.match(bad.stages[0]?.reason ?? "", /says go: database.orders: what it holds would be gone/);

  await writeFile(
    judge,
    `${HOSTILE}process.stdout.write("Everything is fine. " + JSON.stringify({ verdict: "go", reasons: [] }));`,
  );
  const prose = await check(change("database.orders", "delete"));
  console.log("Refused:", prose.stages[0]?.reason);
  assert.match(prose.stages[0]?.reason ?? "", /"verdict" is no JSON/);

  await writeFile(
    judge,
    `${HOSTILE}process.stdout.write(JSON.stringify({ verdict: "go", reasons: [], override: true }));`,
  );
  const more = await check();
  console.log("Refused:", more.stages[0]?.reason);
  assert.match(more.stages[0]?.reason ?? "", /Unrecognized key: "override"/);
  assert.ok((more.stages[0]?.attempts[0]?.decisions.denied ?? 0) > 0);
} finally {
  await rm(folder, { recursive: true });
}
