import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { cofferdam, folderOf, Terminal } from "./support.ts";

const typed = fileURLToPath(new URL("../pipeline/fixtures/typed.pipeline.ts", import.meta.url));

const DOCS = `
name: docs
sandbox: { runtime: local }
stages:
  write:
    command: [sh, -c, "echo new > docs/a.md; cat /nowhere/.env; echo done"]
    inputs: [docs]
    outputs:
      docs: { path: docs, release: true }
      said: { stdout: true }
    gate: { on: diff }
`;

const SLOW = DOCS.replace("echo new", "sleep 1; echo new");

const folders: ReturnType<typeof folderOf>[] = [];
const terminals: Terminal[] = [];
let state = "";

/** A project with pipelines. */
function project(): string {
  const made = folderOf({
    "docs/a.md": "old\n",
    "docs.yaml": DOCS,
    "slow.yaml": SLOW,
    "sleeps.yaml": DOCS.replace("echo new", "sleep 60; echo new"),
    "fails.yaml": DOCS.replace("echo done", "printf 'gone \\\\033[2J' >&2; exit 9"),
    "broken.yaml": "name: [",
    "wrong.yaml": "name: x\nstages: { s: { comand: [true] } }",
    "empty.mjs": "export const nothing = 1;",
    "typed.ts": "export default 1;",
    "recipe.yaml": `${DOCS.replace("cat /nowhere/.env; ", "")}    recipe: { use: ci-docs, params: { provider: ollama } }\n`,
    "no-recipe.yaml": `${DOCS}    recipe: { use: ./evil.mjs }\n`,
    "evil.mjs": 'import { writeFileSync } from "node:fs"; writeFileSync("ran", "");',
    "command.yaml": `${DOCS}    policy: { version: 1, credentials: [{ name: T, hosts: [a.example] }] }
    sandbox: { credentials: { T: { command: ["true"] } } }\n`,
  });
  folders.push(made);
  return made.path;
}

beforeAll(() => {
  const made = folderOf({});
  folders.push(made);
  state = made.path;
});
afterEach(() => {
  for (const terminal of terminals.splice(0)) terminal.kill();
});
afterAll(() => {
  for (const folder of folders) folder.remove();
});

const environment = () => ({ XDG_STATE_HOME: state, COFFERDAM_STATE: undefined });
const call = (args: readonly string[], cwd: string) => cofferdam(["pipeline", ...args], { cwd, env: environment() });
const guide = (cwd: string): string => readFileSync(join(cwd, "docs/a.md"), "utf8");

describe("cofferdam pipeline without a terminal", () => {
  test("stops at a gate, shows it, and goes on with an approval of just that", async () => {
    const cwd = project();
    const reports = ["junit=j.xml", "sarif=s.sarif", "json=r.json", "provenance=p.json"].flatMap((each) => [
      "--report",
      each,
    ]);
    const waits = await call(["run", "docs.yaml", ...reports], cwd);
    expect([waits.code, guide(cwd)]).toEqual([3, "old\n"]);
    expect(waits.stderr).toContain('The gate of "write" (diff)');
    expect(waits.stderr).toContain("+new");
    const [, run = "", approval = ""] =
      /pipeline resume (\S+) --approve (write@sha256:[0-9a-f]{64})/.exec(waits.stderr) ?? [];
    expect(readFileSync(join(cwd, "j.xml"), "utf8")).toContain('<skipped message="it is open: sha256:');
    const id = run.split("/").at(-1) ?? "";
    const other = await call(["resume", id, "--approve", `write@sha256:${"0".repeat(64)}`], cwd);
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining("its gate waits with sha256:")]);
    const passed = await call(["resume", id, "--approve", approval, "--json", "--artifacts", "out", ...reports], cwd);
    expect([passed.code, passed.stderr]).toEqual([0, ""]);
    expect(JSON.parse(passed.stdout)).toMatchObject({
      status: "passed",
      stages: [{ name: "write", gate: { by: "resume" } }],
    });
    expect(guide(cwd)).toBe("new\n");
    expect(readFileSync(join(cwd, "out/write/said/stdout"), "utf8")).toBe("done\n");
    expect(JSON.parse(readFileSync(join(cwd, "s.sarif"), "utf8")).version).toBe("2.1.0");
    expect(JSON.parse(readFileSync(join(cwd, "p.json"), "utf8")).subject).toHaveLength(2);
    expect(JSON.parse(readFileSync(join(cwd, "r.json"), "utf8")).status).toBe("passed");
  });

  test("says what failed, and loads TypeScript", async () => {
    const cwd = project();
    const failed = await call(["run", "fails.yaml"], cwd);
    expect([failed.code, failed.stdout]).toEqual([
      1,
      expect.stringMatching(/^write {2}failed .*its command exited with 9/),
    ]);
    expect(failed.stderr).toContain("write | gone \\u{1b}[2J");
    const said = await call(["run", typed, "--project", cwd, "--quiet"], cwd);
    expect([said.code, said.stdout, said.stderr]).toEqual([0, "", ""]);
  });

  test("takes recipes by their names, whose locks hold", async () => {
    const cwd = project();
    const waits = await call(["run", "recipe.yaml", "--json"], cwd);
    expect([waits.code, JSON.parse(waits.stdout).stages[0].status]).toEqual([3, "waiting"]);
  });

  test("refuses a definition that changed", async () => {
    const cwd = project();
    const waits = JSON.parse((await call(["run", "docs.yaml", "--json", "--runs", "runs"], cwd)).stdout);
    writeFileSync(join(cwd, "docs.yaml"), `${DOCS}\n`);
    const changed = await call(["resume", waits.folder], cwd);
    expect([changed.code, changed.stderr]).toEqual([
      1,
      expect.stringContaining("changed since it began: the definition of the pipeline"),
    ]);
  });

  test.each([
    [["run", "nowhere.yaml"], 2, /^cofferdam: Cannot read the pipeline "nowhere.yaml": ENOENT/],
    [["run", "broken.yaml"], 2, /^cofferdam: Cannot read the pipeline "broken.yaml": /],
    [
      ["run", "wrong.yaml"],
      1,
      /^cofferdam: Cannot use the pipeline: [\s\S]*unknown key "comand": did you mean "command"\?/,
    ],
    [["run", "empty.mjs"], 2, /^cofferdam: Cannot use "empty.mjs": it exports no pipeline/],
    [
      ["run", "typed.ts"],
      2,
      /^cofferdam: Cannot (?:load "typed.ts": this Node does not run TypeScript|use "typed.ts": it exports)/,
    ],
    [["run", "no-recipe.yaml"], 1, /^cofferdam: .*no recipe ".\/evil.mjs" is built in; others are code/],
    [["run", "command.yaml"], 1, /^cofferdam: .*stages.write.sandbox.credentials.T: a command would run/],
    [["run", "docs.yaml", "--report", "html=x"], 2, /It must be FORMAT=FILE/],
    [["run", "docs.yaml", "--report", "junit=/nowhere/x"], 2, /^cofferdam: Cannot write --report to "\/nowhere\/x"/],
    [["run", "docs.yaml", "--project", "nowhere"], 1, /^cofferdam: Cannot begin a pipeline with "nowhere"/],
    [["resume", "0123456789abcdef"], 1, /^cofferdam: Cannot use the run "0123456789abcdef": there is none/],
    [["resume", "docs", "--approve", "write"], 2, /It must be STAGE@sha256:/],
  ])("%j: exit code %i", async (args, code, said) => {
    const cwd = project();
    const result = await call(args, cwd);
    expect([result.code, result.stdout, result.stderr]).toEqual([code, "", expect.stringMatching(said)]);
    expect(existsSync(join(cwd, "ran"))).toBe(false);
  });
});

describe("cofferdam pipeline in a terminal", () => {
  const open = (args: readonly string[], cwd: string): Terminal => {
    const terminal = new Terminal(["pipeline", ...args], { cwd, env: environment() });
    terminals.push(terminal);
    return terminal;
  };

  test("asks at a gate, and takes nothing that was typed before as an answer", async () => {
    const cwd = project();
    const terminal = open(["run", "slow.yaml"], cwd);
    await terminal.shows("started");
    terminal.type("y\ry\r");
    await terminal.shows("+new");
    await terminal.shows("[y]es, [n]o, [l]ater:");
    expect(guide(cwd)).toBe("old\n");
    terminal.type("maybe\r");
    await terminal.shows("[y]es, [n]o, [l]ater:");
    terminal.type("y\r");
    await terminal.shows("let through");
    expect([await terminal.ended(), guide(cwd)]).toEqual([0, "new\n"]);
  });

  test.each([
    ["n\r", "denied", 4],
    ["l\r", "waiting", 3],
    ["\u0003", "waiting", 3],
    ["\u0004", "waiting", 3],
  ])("%j at a gate: %s", async (typed, status, code) => {
    const cwd = project();
    const terminal = open(["run", "docs.yaml"], cwd);
    await terminal.shows("[l]ater:");
    terminal.type(typed);
    await terminal.shows(status);
    expect([await terminal.ended(), guide(cwd)]).toEqual([code, "old\n"]);
  });

  test("ends at Ctrl-C while a stage runs, and says that it can go on", async () => {
    const terminal = open(["run", "sleeps.yaml"], project());
    await terminal.shows("started");
    terminal.type("\u0003");
    await terminal.shows("aborted");
    expect(await terminal.ended()).toBe(5);
  });
});
