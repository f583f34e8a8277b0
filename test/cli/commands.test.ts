import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cofferdam, folderOf, Terminal } from "./support.ts";

let folder: ReturnType<typeof folderOf>;
const call = (...args: string[]) => cofferdam(args, { cwd: folder.path });

beforeAll(() => {
  folder = folderOf({
    "good.yaml": 'version: 1\nname: good\nfilesystem: { write: ["."], deny: ["**/.env"] }\n',
    "bad.yaml": "version: 1\nfilesystem:\n  raed: [./src]\n",
    ".env": "KEY=1\n",
  });
});
afterAll(() => folder.remove());

test("cofferdam --version is the package's", async () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  expect(await call("--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

test.each([
  ["an unknown command", ["bogus"], /unknown command 'bogus'/],
  ["an unknown subcommand", ["policy", "bogus"], /unknown command 'bogus'/],
  ["a domain that is none", ["audit", "show", "--domain", "x", "log"], /'x' is invalid/],
  ["a shell that nobody knows", ["completion", "csh"], /bash, zsh or fish/],
  ["a log that is not there", ["audit", "show", "none.jsonl"], /Cannot read the log "none.jsonl"/],
])("%s is an error of usage, in one line", async (_, args, line) => {
  const { code, stderr, stdout } = await call(...args);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(line);
});

describe("cofferdam policy", () => {
  test("check says which are well-formed, and where the others are not", async () => {
    const { code, stdout } = await call("policy", "check", "good.yaml", "bad.yaml");
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ok good\.yaml$/m);
    expect(stdout).toMatch(/bad\.yaml:3:3 filesystem\.raed: unknown key "raed": did you mean "read"\?/);
    const machine = await call("policy", "check", "--json", "bad.yaml");
    expect(JSON.parse(machine.stdout)).toMatchObject({ file: "bad.yaml", ok: false, issues: [{ line: 3, column: 3 }] });
    expect((await call("policy", "check", "good.yaml")).code).toBe(0);
  });

  test("show prints what a policy means, with its digest", async () => {
    const { stdout } = await call("policy", "show", "good.yaml");
    expect(stdout).toMatch(/^# sha256:[0-9a-f]{64}$/m);
    expect(stdout).toContain("path: ./**/.env");
    const { digest, policy } = JSON.parse((await call("policy", "show", "--json", "good.yaml")).stdout);
    expect(stdout).toContain(digest);
    expect(policy).toMatchObject({ name: "good", network: { unmatched: "deny" } });
  });
});

describe("cofferdam policy explain", () => {
  test.each([
    [["read", "./a/.env"], 1, /^deny .*\.env denies it/],
    [["write", "./a.txt"], 0, /^allow filesystem\.write:\. allows it \(filesystem\.write:\. of good\)\n/],
    [["connect", "example.com:443"], 1, /^deny .*\(unmatched\)/],
    [["connect", "[::1]:80"], 1, /^deny /],
    [["request", "GET", "https://example.com/"], 1, /^deny /],
    [["start", "--", "git", "push"], 0, /^allow /],
    [["call", "gpt-5"], 1, /^deny no rule of inference decides/],
  ])("%j: %i", async (words, code, said) => {
    const result = await call("policy", "explain", "good.yaml", ...words);
    expect([result.stderr, result.code]).toEqual(["", code]);
    expect(result.stdout).toMatch(said);
  });

  test("tells machines every rule that was looked at", async () => {
    const { stdout } = await call("policy", "explain", "--json", "good.yaml", "read", "./.env");
    expect(JSON.parse(stdout)).toMatchObject({
      request: { domain: "filesystem", operation: "read", path: "./.env" },
      verdict: "deny",
      rules: [{ verdict: "allow" }, { verdict: "deny", applies: true }],
    });
  });

  test.each([
    [["bogus", "x"], /"bogus" is nothing that a policy decides/],
    [["read", "a", "b"], /about one file/],
    [["request", "not a url"], /not a url/],
    [["call", "a", "b"], /about one model/],
  ])("%j is an error of usage", async (words, line) => {
    const { code, stderr } = await call("policy", "explain", "good.yaml", ...words);
    expect(code).toBe(2);
    expect(stderr).toMatch(line);
  });
});

describe("cofferdam policy diff", () => {
  test("says what widens, what narrows and what is live, and fails on a widening where it is asked to", async () => {
    const wider =
      'version: 1\nname: good\nfilesystem: { write: ["."] }\nnetwork: { allow: [{ id: api, host: api.test }] }\n';
    writeFileSync(join(folder.path, "wider.yaml"), wider);
    const { code, stdout } = await call("policy", "diff", "good.yaml", "wider.yaml");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^- widening +filesystem\.deny\S* +new sandbox /m);
    expect(stdout).toMatch(/^\+ widening +network\.allow\[0\] api +live /m);
    expect(stdout).toMatch(/^widening: the new one needs a new sandbox$/m);
    expect((await call("policy", "diff", "--narrow-only", "good.yaml", "wider.yaml")).code).toBe(1);
    const back = await call("policy", "diff", "--narrow-only", "--json", "wider.yaml", "good.yaml");
    expect(back.code).toBe(0);
    expect(JSON.parse(back.stdout)).toMatchObject({ effect: "narrowing", live: true });
    expect((await call("policy", "diff", "good.yaml", "good.yaml")).stdout).toBe("Both mean the same.\n");
  });
});

describe("cofferdam audit", () => {
  const log = () => join(folder.path, "log.jsonl");

  test("shows, follows and verifies what run has written", async () => {
    await call("run", "-q", "--discard", "-p", "good.yaml", "--audit", "log.jsonl", "--", "cat", ".env");
    const shown = await call("audit", "show", "log.jsonl");
    expect(shown.stdout).toMatch(/sandbox\.start .*\n.*command\.start .*"argv":\["cat","\.env"\]/);
    const denied = await call("audit", "show", "--verdict", "deny", "--domain", "filesystem", "log.jsonl");
    expect(denied.stdout).toMatch(/^\S+ \w+ deny read \/workspace\/\.env by \S*cat a rule of the policy denies it\n$/);
    const json = await call("audit", "show", "--json", "--verdict", "deny", "log.jsonl");
    expect(JSON.parse(json.stdout)).toMatchObject({ kind: "decision", object: "/workspace/.env" });

    const exported = (await call("audit", "export", "--ocsf", "log.jsonl")).stdout.trimEnd().split("\n");
    const events = exported.map((line) => JSON.parse(line));
    expect(events[0]).toMatchObject({ class_uid: 6002, message: "sandbox.start" });
    expect(events).toContainEqual(expect.objectContaining({ class_uid: 1001, action: "Denied" }));
    expect(exported.join()).not.toContain("previous");
    const verified = await call("audit", "verify", "--json", "log.jsonl");
    const { records, complete, head } = JSON.parse(verified.stdout);
    expect([verified.code, complete, records]).toEqual([0, true, shown.stdout.trim().split("\n").length]);
    expect((await call("audit", "verify", "--head", head, "log.jsonl")).code).toBe(0);
    const lines = readFileSync(log(), "utf8").split("\n");
    writeFileSync(log(), [...lines.slice(0, 2), ...lines.slice(3)].join("\n"));
    const cut = await call("audit", "verify", "log.jsonl");
    expect(cut.code).toBe(1);
    expect(cut.stderr).toMatch(/Cannot trust the audit log at line 3/);
    expect(await call("audit", "export", "--ocsf", "log.jsonl")).toMatchObject({ code: 1, stdout: "" });
  });
});

test("cofferdam doctor tries the runtimes, and says what is enforced", async () => {
  const { code, stdout } = await call("doctor", "--json");
  const { runtimes } = JSON.parse(stdout);
  expect(code).toBe(0);
  expect(runtimes[0]).toMatchObject({
    runtime: "local",
    works: true,
    enforcement: { mode: "emulated", programs: "decided", network: "decided" },
  });
  expect(runtimes[1]).toMatchObject({ runtime: "docker", works: expect.any(Boolean) });
});

test("cofferdam clean says what it would remove, as JSON where it is asked to", async () => {
  const { code, stdout } = await call("clean", "--dry-run", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ removed: expect.any(Array), left: expect.any(Array) });
});

describe("cofferdam completion", () => {
  const completed = async (...words: string[]) => {
    const { stdout: script } = await call("completion", "bash");
    const typed = words.map((word) => `'${word}'`).join(" ");
    const ask = `${script}\nCOMP_WORDS=(cofferdam ${typed}); COMP_CWORD=${words.length}; _cofferdam; echo "\${COMPREPLY[*]}"`;
    return execFileSync("bash", ["-c", ask], { encoding: "utf8" }).trim().split(" ");
  };

  test("knows commands, subcommands and options in bash", async () => {
    expect(await completed("po")).toEqual(["policy"]);
    expect(await completed("policy", "")).toEqual(expect.arrayContaining(["check", "show"]));
    expect(await completed("run", "--pol")).toEqual(["--policy"]);
    expect(await completed("run", "--", "")).toEqual([""]);
  });

  /** What makes the shells know it, in a file. */
  const scriptOf = async (shell: string) => {
    const file = join(folder.path, `completion.${shell}`);
    writeFileSync(file, (await call("completion", shell)).stdout);
    return file;
  };

  test("knows them in zsh, as it is typed", async () => {
    const start = join(folder.path, "start.zsh");
    const lines = [
      'cofferdam() { echo "[$*]" }',
      "autoload -U compinit",
      "compinit -u -D",
      `source ${await scriptOf("zsh")}`,
      "PS1='> '",
    ];
    writeFileSync(start, `${lines.join("\n")}\n`);
    const terminal = new Terminal(["-f", "-i"], { program: ["zsh"], cwd: folder.path });
    terminal.type(`source ${start}; echo be''gun\r`);
    await terminal.shows("begun");
    for (const [typed, meant] of [
      ["compl", "completion"],
      ["policy exp", "policy explain"],
      ["audit show --dom", "audit show --domain"],
    ]) {
      terminal.type(`cofferdam ${typed}\t\r`);
      await terminal.shows(`[${meant}]`);
    }
    terminal.kill();
  });

  test("knows them in fish", async () => {
    const file = await scriptOf("fish");
    const ask = (line: string) => {
      const words = execFileSync("fish", ["--no-config", "-c", `source ${file}; complete -C '${line}'`], {
        encoding: "utf8",
        env: { ...process.env, HOME: folder.path },
      });
      return words
        .trim()
        .split("\n")
        .map((each) => each.split("\t")[0]);
    };
    expect(ask("cofferdam comple")).toEqual(["completion"]);
    expect(ask("cofferdam ")).not.toContain("own");
    expect(ask("cofferdam policy ")).toEqual(expect.arrayContaining(["check", "diff", "explain", "show"]));
    expect(ask("cofferdam audit show --")).toContain("--domain");
    expect(ask("cofferdam policy show --")).not.toContain("--domain");
  });
});
