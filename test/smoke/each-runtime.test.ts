/**
 * What Deno and Bun did otherwise than Node once: the tests that tell, run there by the test runner itself, and the command
 * line where it starts itself again.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { ROOT } from "../house/tree.ts";

const run = promisify(execFile);

const RUNTIMES = join(ROOT, ".cache/runtimes/node_modules/.bin");
const FOLDER = mkdtempSync(join(realpathSync(tmpdir()), "each-runtime-"));

const TOLD = [
  "approvals/user-name",
  "audit/jsonl",
  "egress/content.security",
  "egress/http2",
  "runtimes/workspace/directory",
  "sandbox/fetch-request",
  "sandbox/local-site/site",
].map((name) => `test/${name}.test.ts`);

/** Nothing of the run that this is a part of. */
const ENV = Object.fromEntries(
  Object.entries({ ...process.env, NO_COLOR: "1", COFFERDAM_STATE: join(FOLDER, "state") }).filter(
    ([name]) => !/^(?:VITEST|TINYPOOL|NODE_OPTIONS|NODE_ENV|FORCE_COLOR)/.test(name),
  ),
);

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

describe.each([
  ["Deno", [join(RUNTIMES, "deno"), "run", "--allow-all"], []],
  ["Bun", [join(RUNTIMES, "bun")], ["--bun"]],
])("on %s", (_, [program = "", ...options], asItself) => {
  test("tests of what was otherwise hold", { timeout: 120_000 }, async () => {
    const vitest = [...asItself, join(ROOT, "node_modules/vitest/vitest.mjs"), "run", "--maxWorkers", "1"];
    const { stdout } = await run(program, [...options, ...vitest, ...TOLD], { cwd: ROOT, env: ENV });
    expect(stdout).toMatch(new RegExp(`Test Files +${TOLD.length} passed`));
  });

  test("a sandbox goes to the background, says what its program said, and ends", { timeout: 60_000 }, async () => {
    const name = `each-${process.pid}`;
    const cofferdam = async (...args: string[]) =>
      (await run(program, [...options, join(ROOT, "src/cli/main.ts"), ...args], { cwd: FOLDER, env: ENV })).stdout;
    const script = "echo started; touch there; sleep 100";
    await cofferdam("run", "--detach", "--no-workspace", "--name", name, "--", "sh", "-c", script);
    const there = ["exec", name, "--", "sh", "-c", "until [ -e there ]; do sleep 0.05; done; echo inside"];
    expect(await cofferdam(...there)).toBe("inside\n");
    expect(await cofferdam("logs", name)).toContain("started");
    expect(await cofferdam("stop", name)).toBe(`${name}\n`);
    expect(await cofferdam("ps")).not.toContain(name);
  });

  test("a service starts it as it was started", { timeout: 60_000 }, async () => {
    const env = { ...ENV, XDG_CONFIG_HOME: join(FOLDER, "configuration") };
    const detached = [
      "run",
      "--detach",
      "--unit",
      "--no-workspace",
      "--name",
      `unit-${process.pid}`,
      "--",
      "echo",
      "up",
    ];
    const cli = [...options, join(ROOT, "src/cli/main.ts"), ...detached];
    const { stdout } = await run(program, cli, { cwd: FOLDER, env });
    const unit = stdout.startsWith("[Unit]") ? stdout : readFileSync(stdout.trim(), "utf8");
    const command = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? "";
    await run("bash", ["-c", `exec ${command}`], { cwd: FOLDER, env });
  });
});
