/**
 * The examples run, and assert what they say, on every JavaScript runtime.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { ROOT } from "../house/tree.ts";

const run = promisify(execFile);

const RUNTIMES = join(ROOT, ".cache/runtimes/node_modules/.bin");

const EXAMPLES = [
  ["quickstart.ts", /local: ready.*docker: ready.*Everything went as the policy says/s],
  ["hooks.ts", /Asked: .*--force/s],
  ["local-only.ts", /deny {2}o9 -> nobody/],
  ["private-models.ts", /allow big -> near.*deny {2}big -> nobody/s],
  ["review-changes.ts", /Refused: docs\/innocent.md: link-leads-out/],
  ["github-readonly.ts", /Told: .*methods: \["POST"\]/],
  ["network-hooks.ts", /Received:.*\[key\]/s],
  ["claude-code.ts", /Claude Code says: .*uname.*Changed: notes.txt/s],
  ["credentials.ts", /Denied: the placeholder of ACME_TOKEN/],
  ["compose.ts", /Explained: env denies it \[ ["']no-secrets["'] \]/],
  ["redact.ts", /password = \[redacted\]/],
  ["docs-agent.ts", /Released: \[ ["']docs\/reference.md["'] \].*another host: refused.*Denied by the gate/s],
  ["pre-deploy.ts", /Verdict: \{"verdict":"go".*Stopped: says go: database.orders.*Refused: .*"override"/s],
] as const;

describe.each([
  ["Node", process.execPath, "--import", "tsx"],
  ["Deno", join(RUNTIMES, "deno"), "run", "--allow-all"],
  ["Bun", join(RUNTIMES, "bun")],
])("on %s", (_, program, ...options) => {
  test.each(EXAMPLES)("examples/%s", { timeout: 120_000 }, async (name, said) => {
    const env = { ...process.env, NO_COLOR: "1" };
    const { stdout } = await run(program, [...options, join(ROOT, "examples", name)], { cwd: ROOT, env });
    expect(stdout).toMatch(said);
  });
});
