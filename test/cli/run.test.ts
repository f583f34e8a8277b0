import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunReport } from "../../src/cli/run/report.ts";
import { CLI, cofferdam, folderOf } from "./support.ts";

const POLICY = `version: 1
filesystem: { write: ["."], deny: ["**/.env"] }
`;
let folder: ReturnType<typeof folderOf>;

beforeAll(() => {
  folder = folderOf({
    "a.txt": "one\n",
    "link.target": "mine\n",
    ".env": "KEY=1\n",
    "policy.yaml": POLICY,
    "bad.yaml": "version: 1\nnetwrk: {}\n",
  });
});
beforeAll(() => symlinkSync("link.target", join(folder.path, "link.patch")));
afterAll(() => folder.remove());

const run = (args: readonly string[], input?: string) =>
  cofferdam(["run", ...args], { cwd: folder.path, ...(input === undefined ? {} : { input }) });

describe("cofferdam run", () => {
  test("passes input, outputs and the exit code through, and says what was denied", async () => {
    const script = "cat; echo problem >&2; cat .env; exit 7";
    const result = await run(["-p", "policy.yaml", "--discard", "--", "sh", "-c", script], "from outside\n");
    expect([result.code, result.stdout]).toEqual([7, "from outside\n"]);
    expect(result.stderr).toMatch(/^problem\n/);
    expect(result.stderr).toMatch(/filesystem\.read +\/workspace\/\.env +a rule of the policy denies it/);
  });

  test.each([
    ["a program that is not there", ["--", "no-such-program"], 127, /Cannot start "no-such-program"/],
    ["a program that cannot be started", ["--", "./a.txt"], 126, /Cannot start ".\/a.txt"/],
    ["a signal", ["-q", "--no-workspace", "--", "sh", "-c", "kill -TERM $$"], 143, /^$/],
    ["too long", ["-q", "--no-workspace", "--timeout", "300ms", "--", "sleep", "60"], 137, /^$/],
    ["a policy with a mistake", ["-p", "bad.yaml", "--", "true"], 125, /bad\.yaml:2:1 netwrk: unknown key/],
    ["a policy that is not there", ["-p", "none.yaml", "--", "true"], 125, /none\.yaml/],
    ["a patch that is a link", ["--patch", "link.patch", "--", "true"], 2, /--patch to "link.patch": it is a symlink/],
    ["a report that cannot be", ["--report", "/no/such/r.json", "--", "true"], 2, /--report to "\/no\/such\/r.json"/],
    ["a patch of nothing", ["--no-workspace", "--patch", "p", "--", "true"], 2, /--patch has nothing to review/],
    ["a workspace that is not there", ["-w", "/no/such/folder", "--", "true"], 125, /"\/no\/such\/folder"/],
    ["an unknown option", ["--polcy", "x", "--", "true"], 2, /--polcy/],
    ["no program", [], 2, /missing required argument/],
    ["a malformed variable", ["-e", "1=2", "--", "true"], 2, /NAME or NAME=value/],
    ["a malformed time", ["--timeout", "soon", "--", "true"], 2, /ms, s, m or h/],
    ["two things that exclude each other", ["--apply", "--discard", "--", "true"], 2, /exclude each other/],
  ])("says so in one line: %s", async (_, args, code, line) => {
    const result = await run(args);
    expect(result.stderr).toMatch(line);
    expect(result.code).toBe(code);
    expect(result.stderr).not.toMatch(/\n {4}at /);
  });

  test("throws changes away where nobody can be asked, and applies or writes them where it is told to", async () => {
    const script = "echo two >> a.txt; mkdir new; echo x > new/b.txt";
    const unasked = await run(["--", "sh", "-c", script]);
    expect(unasked.stderr).toMatch(/M a\.txt\n {2}A new\/b\.txt/);
    expect(unasked.stderr).toMatch(/nobody can be asked/);
    expect(readFileSync(join(folder.path, "a.txt"), "utf8")).toBe("one\n");

    const patched = await run(["-q", "--patch", "changes.patch", "--", "sh", "-c", script]);
    expect(patched.code).toBe(0);
    expect(readFileSync(join(folder.path, "changes.patch"), "utf8")).toMatch(/^\+two$/m);

    const applied = await run(["--apply", "new/**", "--report", "report.json", "--", "sh", "-c", script]);
    expect(applied.code).toBe(0);
    expect(existsSync(join(folder.path, "new/b.txt"))).toBe(true);
    expect(readFileSync(join(folder.path, "a.txt"), "utf8")).toBe("one\n");
    const report = JSON.parse(readFileSync(join(folder.path, "report.json"), "utf8")) as RunReport;
    expect(report).toMatchObject({ exitCode: 0, changes: { applied: ["new/b.txt"], left: ["a.txt"], refused: [] } });
  });

  test("gives a slow reader all of the output", async () => {
    const [program = "", ...before] = CLI;
    const args = ["run", "-q", "--no-workspace", "--", "head", "-c", "3000000", "/dev/zero"];
    const child = spawn(program, [...before, ...args], { stdio: ["ignore", "pipe", "ignore"] });
    await once(child, "spawn");
    await new Promise((resolve) => setTimeout(resolve, 3000));
    let bytes = 0;
    for await (const chunk of child.stdout) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(3_000_000);
  });

  test("passes the first signal on, and ends the sandbox at the second", async () => {
    const [program = "", ...before] = CLI;
    const script = 'trap "echo caught" INT; echo ready; while :; do sleep 0.1; done';
    const args = ["run", "--no-workspace", "--", "sh", "-c", script];
    const child = spawn(program, [...before, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    const shows = async (text: string) => {
      while (!said.includes(text)) said += String((await once(child.stdout, "data"))[0]);
    };
    await shows("ready");
    child.kill("SIGINT");
    await shows("caught");
    let problems = "";
    child.stderr.on("data", (data: Buffer) => {
      problems += data.toString();
    });
    child.kill("SIGINT");
    const [code] = await once(child, "close");
    expect(code).toBe(130);
    expect(problems).toBe("cofferdam: it was interrupted: what was changed is thrown away\n");
  });

  test("goes on with the rest where a file cannot be in a patch", async () => {
    const script = "echo two >> a.txt; chmod 000 a.txt; echo x > c.txt";
    const result = await run(["--patch", "some.patch", "--apply", "c.txt", "--", "sh", "-c", script]);
    expect(result.stderr).toMatch(/there is no patch: /);
    expect(existsSync(join(folder.path, "c.txt"))).toBe(true);
    expect(result.code).toBe(1);
  });

  test("tells machines what happened on the last line of the error output", async () => {
    const result = await run(["-p", "policy.yaml", "--json", "--discard", "--", "cat", ".env", ".env"]);
    const report = JSON.parse(result.stderr.trim().split("\n").at(-1) ?? "") as RunReport;
    expect(report).toMatchObject({ runtime: "local", exitCode: 1, decisions: { denied: 2 } });
    expect(report.denials).toMatchObject([{ object: "/workspace/.env", count: 2, domain: "filesystem" }]);
  });

  test("gives variables by value and by name, and nothing else of the environment", async () => {
    const script = 'echo "$GIVEN $NAMED $COFFERDAM_TEST_OTHER"';
    const args = ["run", "-q", "--no-workspace", "-e", "GIVEN=a b", "-e", "NAMED", "--", "sh", "-c", script];
    const result = await cofferdam(args, { env: { NAMED: "c", COFFERDAM_TEST_OTHER: "secret" } });
    expect(result.stdout).toBe("a b c \n");
  });

  test("shows what a program calls its files without their control characters", async () => {
    const result = await run(["--discard", "--", "sh", "-c", "touch \"$(printf 'evil\\033[2Jname')\""]);
    expect(result.stderr).toContain("evil\\u{1b}[2Jname");
    expect(result.stderr).not.toContain("\u001b[2J");
  });
});
