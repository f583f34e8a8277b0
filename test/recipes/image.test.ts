import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { recipes } from "../../recipes/mod.ts";
import { testRecipe } from "../../src/mod.ts";
import { cofferdam, folderOf } from "../cli/support.ts";

const IMAGE = "cofferdam-test-busybox";
const folder = folderOf({ "docs/old.md": "old\n" });
afterAll(() => folder.remove());

test("the claims of built-in recipes hold in containers", { timeout: 600_000 }, async () => {
  // Their own images come from registries, which nobody reaches here.
  const results = await testRecipe(recipes, { runtime: "docker", image: "cofferdam-test-debian" });
  const tried = new Set(results.map(({ recipe }) => recipe)).size;
  console.log(`recipes whose claims were tried in containers: ${tried}`);
  expect(tried).toBe(recipes.length);
  expect(
    results.flatMap(({ recipe, claims }) => claims.filter(({ holds }) => !holds).map((each) => [recipe, each])),
  ).toEqual([]);
  const left = execFileSync("docker", ["images", "-q", "cofferdam-claims"], { encoding: "utf8" });
  expect(left).toBe("");
});

test("a recipe brings its image, which the lockfile holds", async () => {
  const zod = import.meta.resolve("zod");
  const text = (dockerfile: string) => `import { z } from "${zod}";
export default { name: "boxed", version: "1.0.0", description: "Boxed.", kind: "task", tests: [], params: z.object({}),
  build: () => ({ policy: { version: 1, filesystem: { write: ["./docs"] } }, image: { dockerfile: ${JSON.stringify(dockerfile)} } }) };`;
  const write = (marker: string) =>
    writeFileSync(join(folder.path, "boxed.mjs"), text(`FROM ${IMAGE}\nENV MARKER=${marker}\n`));
  write("one");
  const run = (...flags: string[]) =>
    cofferdam(
      [
        "run",
        "-q",
        "--runtime",
        "docker",
        "--recipe",
        "./boxed.mjs",
        "--apply",
        ...flags,
        "--",
        "sh",
        "-c",
        "echo $MARKER > docs/m",
      ],
      {
        cwd: folder.path,
      },
    );
  const first = await run("--lock");
  expect([first.stderr, first.code]).toEqual([expect.any(String), 0]);
  expect(readFileSync(join(folder.path, "docs/m"), "utf8")).toBe("one\n");
  const [locked] = Object.values(JSON.parse(readFileSync(join(folder.path, "cofferdam.lock"), "utf8")).recipes) as {
    builds: Record<string, { image: string }>;
  }[];
  const image = Object.values(locked?.builds ?? {})[0]?.image ?? "";
  expect(image).toMatch(/^sha256:[0-9a-f]{64}$/);
  const forged = readFileSync(join(folder.path, "cofferdam.lock"), "utf8").replace(image, `sha256:${"0".repeat(64)}`);
  writeFileSync(join(folder.path, "cofferdam.lock"), forged);
  const refused = await run();
  expect([refused.code, refused.stderr]).toEqual([
    125,
    expect.stringMatching(/its image is not what the lockfile says/),
  ]);
  execFileSync("docker", ["rmi", "-f", image], { stdio: "ignore" });
});
