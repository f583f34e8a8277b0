import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, test as base, describe, expect } from "vitest";
import { runtimeProblem, type Sandbox } from "../../src/mod.ts";
import { type PoolFixtures, poolFixtures, type SandboxFixtures, sandboxFixtures } from "../../src/testing/mod.ts";
import { filesIn, ROOT } from "../house/tree.ts";

const seen = new Set<Sandbox>();
const problem = await runtimeProblem("local");

afterAll(async () => {
  for (const sandbox of seen) expect(await sandbox.ended).toBe("stopped");
});

describe("sandboxFixtures", () => {
  const guest = { files: { "a.txt": "a" } };
  const test = base.extend<SandboxFixtures>(
    sandboxFixtures({ version: 1, filesystem: { write: ["."] } }, { runtime: "memory", guest }),
  );
  const strict = test.extend({ policy: { version: 1, filesystem: { read: ["."] } } });

  test("give a test its own sandbox", async ({ sandbox }) => {
    seen.add(sandbox);
    await sandbox.files.write("a.txt", "changed");
  });

  test("which is another one than that of the test before", async ({ sandbox }) => {
    expect(seen.has(sandbox)).toBe(false);
    seen.add(sandbox);
    expect(await sandbox.files.readText("a.txt")).toBe("a");
  });

  strict("with a policy that a suite can change", async ({ sandbox }) => {
    seen.add(sandbox);
    await expect(sandbox.files.write("a.txt", "x")).rejects.toMatchObject({ code: "FILE_DENIED" });
  });
});

// What belongs to a file is defined for a file.
const pooled = base.extend<PoolFixtures>(poolFixtures({ version: 1, filesystem: { write: ["."] } }, { size: 1 }));
const named = pooled.extend({ acquireOptions: { env: { NAME: "named" } } });

describe.skipIf(problem)("poolFixtures", () => {
  pooled("give a test a sandbox of the file's pool", async ({ sandbox, pool }) => {
    seen.add(sandbox);
    expect(pool.counts.inUse).toBe(1);
    await sandbox.files.write("left", "x");
  });

  named("acquired with the test's own options", async ({ sandbox }) => {
    seen.add(sandbox);
    expect((await sandbox.exec(["sh", "-c", "ls; echo $NAME"])).stdout).toBe("named\n");
  });
});

describe("cofferdam/testing", () => {
  base("imports no test framework", () => {
    const sources = filesIn("src/testing").map((path) => readFileSync(join(ROOT, path), "utf8"));
    expect(sources.length).toBeGreaterThan(5);
    for (const source of sources)
      expect(source).not.toMatch(/^\s*(?:import|export)\b[^;]*from "(?:vitest|node:test)"/m);
  });

  base("works with node:test", { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "testing-"));
    const file = join(folder, "agent.test.mts");
    const source = (name: string) => JSON.stringify(join(ROOT, "src", name));
    writeFileSync(
      file,
      `
      import { test } from "node:test";
      import { createSandbox } from ${source("mod.ts")};
      import { assertDenied, assertNotDenied } from ${source("testing/mod.ts")};
      const guest = { files: { ".env": "x" }, programs: { cat: (self) => self.read(".env").catch(() => 1) } };
      const open = () => createSandbox({ version: 1, filesystem: { read: ["."], deny: [".env"] } }, { runtime: "memory", guest });
      test("passes", async () => {
        await using sandbox = await open();
        await sandbox.exec(["cat"]);
        assertDenied(sandbox, { file: ".env" });
      });
      test("fails", async () => {
        await using sandbox = await open();
        await sandbox.exec(["cat"]);
        assertNotDenied(sandbox, { file: ".env" });
      });
    `,
    );
    const argv = ["--import", "tsx", "--test", "--test-reporter=tap", file];
    const env = { ...process.env };
    delete env.NODE_OPTIONS;
    const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: ROOT, env }).catch(
      (error: { stdout: string }) => error,
    );
    rmSync(folder, { recursive: true });
    expect(stdout).toMatch(/^ok 1 - passes$/m);
    expect(stdout).toMatch(/^not ok 2 - fails$/m);
    expect(stdout).toContain("not to have denied { file: ");
  });
});
