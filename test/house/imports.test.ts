import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "./tree.ts";

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
}

/** Checks a tree against the house's rules: `from -> to: rule` for each import that breaks one. */
async function violations(directory: string, folders: readonly string[]): Promise<string[]> {
  const cruiser = join(ROOT, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
  const config = join(ROOT, ".dependency-cruiser.cjs");
  const args = [cruiser, "--config", config, "--output-type", "json", ...folders];
  const output = await new Promise<string>((resolve, reject) => {
    // The exit code is not 0 when there are violations, and for an output in JSON as well when there are none.
    execFile(process.execPath, args, { cwd: directory, maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
      if (stdout.startsWith("{")) resolve(stdout);
      else reject(new Error(stderr, { cause: error }));
    });
  });
  const { summary, modules } = JSON.parse(output) as { summary: { violations: Violation[] }; modules: unknown[] };
  expect(modules.length).toBeGreaterThan(0);
  return summary.violations.map(({ from, to, rule }) => `${from} -> ${to}: ${rule.name}`);
}

describe("this repository", () => {
  test("imports only downward, in no circle, and only what it may", async () => {
    const folders = ["src", "plugins", "recipes", "examples"].filter((name) =>
      readdirSync(ROOT, { withFileTypes: true }).some((entry) => entry.isDirectory() && entry.name === name),
    );
    expect(await violations(ROOT, folders)).toEqual([]);
  });
});

describe(".dependency-cruiser.cjs", () => {
  let tree = "";
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  };

  /** An import of each file, and the rule that it breaks, if any. */
  const IMPORTS: readonly (readonly [from: string, to: string, rule?: string])[] = [
    ["src/errors.ts", "src/policy/mod.ts", "downward-0"],
    ["src/policy/up.ts", "src/audit/mod.ts", "downward-1"],
    ["src/audit/up.ts", "src/domains/network/plan.ts", "downward-2"],
    ["src/warden/up.ts", "src/runtimes/docker/mod.ts", "downward-2"],
    ["src/domains/network/up.ts", "src/runtimes/runtime.ts", "downward-3"],
    ["src/runtimes/docker/up.ts", "src/sandbox/files.ts", "downward-4"],
    ["src/sandbox/up.ts", "src/mod.ts", "downward-5"],
    ["src/sandbox.ts", "src/cli/main.ts", "downward-5"],
    ["src/domains/network/sibling.ts", "src/domains/process/plan.ts", "siblings-domains"],
    ["src/runtimes/docker/sibling.ts", "src/runtimes/local/mod.ts", "siblings-runtimes"],
    ["src/runtimes/memory/sibling.ts", "src/runtimes/docker/mod.ts", "siblings-runtimes"],
    ["src/elsewhere/mod.ts", "src/policy/mod.ts", "known-level"],
    ["examples/elsewhere.ts", "src/elsewhere/other.ts", "known-level-imported"],
    ["src/link/circle.ts", "src/link/ring.ts", "no-circle"],
    ["recipes/inside.ts", "src/sandbox/files.ts", "only-the-barrel"],
    ["plugins/inside.ts", "src/policy/mod.ts", "only-the-barrel"],
    ["examples/inside.ts", "test/help.ts", "only-the-barrel"],
    ["src/cli/test.ts", "test/help.ts", "src-alone"],
    ["src/cli/script.ts", "scripts/build.ts", "src-alone"],
    ["src/cli/example.ts", "examples/story.ts", "src-alone"],
    ["src/policy/leaf.ts", "src/errors.ts"],
    ["src/warden/leaf.ts", "src/link/leaf.ts"],
    ["src/domains/network/leaf.ts", "src/egress/mod.ts"],
    ["src/runtimes/docker/leaf.ts", "src/domains/process/plan.ts"],
    ["src/runtimes/docker/walk.ts", "src/runtimes/workspace/mod.ts"],
    ["src/sandbox/leaf.ts", "src/runtimes/docker/mod.ts"],
    ["src/cli/leaf.ts", "src/mod.ts"],
    ["examples/leaf.ts", "src/mod.ts"],
    ["examples/tested.ts", "src/testing/mod.ts"],
    ["src/testing/leaf.ts", "src/sandbox/files.ts"],
    ["src/sandbox/tested.ts", "src/testing/mod.ts", "downward-5"],
  ];
  const PACKAGES: readonly (readonly [from: string, statement: string, rule?: string])[] = [
    ["src/link/dev.ts", 'import { tool } from "dev-tool";', "declared-dependencies"],
    ["src/link/dev-type.ts", 'import type { Tool } from "dev-tool";', "declared-dependencies"],
    ["src/link/undeclared.ts", 'import { stray } from "stray";', "declared-dependencies"],
    ["src/link/nowhere.ts", 'import { x } from "./nowhere-at-all.ts";', "resolvable"],
    ["src/link/dependency.ts", 'import { good } from "good";'],
    ["src/link/node.ts", 'import { readFile } from "node:fs/promises";'],
  ];
  let found: string[] = [];

  beforeAll(async () => {
    tree = mkdtempSync(join(tmpdir(), "cofferdam-house-"));
    write(
      "package.json",
      '{ "type": "module", "dependencies": { "good": "1" }, "devDependencies": { "dev-tool": "1" } }',
    );
    for (const name of ["good", "dev-tool", "stray"]) {
      write(`node_modules/${name}/package.json`, `{ "name": "${name}", "version": "1.0.0", "main": "index.js" }`);
      write(`node_modules/${name}/index.js`, "");
    }
    for (const [, to] of IMPORTS) write(to, "export {};\n");
    for (const [from, to] of IMPORTS) {
      const up = "../".repeat(from.split("/").length - 1);
      // Types count as much as values.
      write(from, `import type { Something } from "${up}${to}";\nexport type { Something };\n`);
    }
    write("src/link/ring.ts", 'import type { Something } from "./circle.ts";\nexport type { Something };\n');
    for (const [from, statement] of PACKAGES) write(from, `${statement}\n`);
    found = await violations(tree, ["src", "plugins", "recipes", "examples"]);
  });
  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  test.each([...IMPORTS, ...PACKAGES])("%s imports %s: %s", (from, _, rule) => {
    const broken = found.filter((line) => line.startsWith(`${from} -> `)).map((line) => line.split(": ").at(-1));
    if (rule === undefined) expect(broken).toEqual([]);
    else expect(broken).toContain(rule);
  });
});
