import { chmodSync, chownSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { TerminalModes } from "../../src/cli/run/terminal-modes.ts";
import { CLI, cofferdam, folderOf, Terminal } from "./support.ts";

const folders: ReturnType<typeof folderOf>[] = [];
const terminals: Terminal[] = [];

afterEach(() => {
  for (const terminal of terminals.splice(0)) terminal.kill();
  for (const folder of folders.splice(0)) folder.remove();
});

const POLICY = `
version: 1
filesystem: { write: ["."], ask: [{ id: asks, path: ./secret }] }
`;

function project(): string {
  const made = folderOf({ "work/secret/a": "one\n", "work/secret/b": "two\n", "policy.yaml": POLICY });
  folders.push(made);
  return made.path;
}

function open(path: string, script: string, ...options: string[]): Terminal {
  const args = ["run", "-q", "--discard", "-w", join(path, "work"), "-p", join(path, "policy.yaml"), ...options];
  const terminal = new Terminal([...args, "--", "sh", "-c", script]);
  terminals.push(terminal);
  return terminal;
}

describe("cofferdam run on a terminal, where the policy asks", () => {
  test("asks the person, holds the program, drops what was typed before, and gives the terminal back", async () => {
    const path = project();
    const patch = join(path, "approved.yaml");
    // A program that hides text, draws on another screen, and leaves a sequence open to swallow the question.
    const begin = "stty -echo; echo ready; read line; printf '\\033[?1049h\\033[?1000h\\033[8m\\033]0;title'";
    const script = `${begin}; cat secret/a; cat secret/a secret/b; cat secret/b; while read line; do echo "got $line"; done`;
    const terminal = open(path, script, "--approvals", patch);
    await terminal.shows("ready");
    terminal.type("\rd\rd\r");
    await terminal.shows("\u0018\u001b\\");
    await terminal.shows("cofferdam asks:");
    await terminal.shows("read /workspace/secret/a");
    await terminal.shows("rule would be");
    await terminal.shows("[o]nce, [s]ession, [a]lways, [d]eny, [ds] deny for the session, [?] explain: ");
    terminal.type("?\r");
    await terminal.shows("until the sandbox ends");
    await terminal.shows("filesystem:");
    await terminal.shows("explain: ");
    terminal.type("x\r");
    await terminal.shows("explain: ");
    terminal.type("s\r");
    // The program's screen and mouse again, and its output.
    await terminal.shows("\u001b[?1049h");
    await terminal.shows("one");
    await terminal.shows("read /workspace/secret/b");
    await terminal.shows("explain: ");
    terminal.type("d\r");
    await terminal.shows("read /workspace/secret/b");
    await terminal.shows("explain: ");
    terminal.type("a\r");
    await terminal.shows("two");
    // Before the next question or after it, for output and questions come by ways of their own.
    expect(terminal.shown).toContain("Permission denied");
    terminal.type("hello\r");
    await terminal.shows("got hello");
    terminal.type("\u0004");
    expect(await terminal.ended()).toBe(0);
    expect(terminal.shown.match(/read \/workspace\/secret\/a/g)).toHaveLength(1);
    expect(readFileSync(patch, "utf8")).toContain("path: ./secret/b");
  });

  test("denies for the session: nobody is asked the same again", async () => {
    const terminal = open(project(), "cat secret/a; cat secret/a; cat secret/b; echo over");
    await terminal.shows("read /workspace/secret/a");
    await terminal.shows("explain: ");
    terminal.type("ds\r");
    await terminal.shows("read /workspace/secret/b");
    await terminal.shows("explain: ");
    terminal.type("d\r");
    await terminal.shows("over");
    expect(await terminal.ended()).toBe(0);
    expect(terminal.shown.match(/Permission denied/g)).toHaveLength(3);
    expect(terminal.shown.match(/cofferdam asks:/g)).toHaveLength(2);
  });

  test("takes Ctrl-C for a no, and asks one question after the other", async () => {
    const path = project();
    const terminal = open(path, "cat secret/a & cat secret/b & wait; echo over");
    await terminal.shows("explain: ");
    terminal.type("\u0003");
    await terminal.shows("explain: ");
    terminal.type("\u0004");
    await terminal.shows("Permission denied");
    await terminal.shows("over");
    expect(await terminal.ended()).toBe(0);
    expect(terminal.shown.match(/cofferdam asks:/g)).toHaveLength(2);
  });
});

describe("terminalApprover()", () => {
  test("shows a long text page by page, before it is answered", async () => {
    const mod = join(dirname(dirname(CLI[1] ?? "")), "mod.js");
    const script = `
      import { askApprover, terminalApprover } from ${JSON.stringify(mod)};
      const text = Array.from({ length: 100 }, (_, at) => "line " + (at + 1)).join("\\n");
      const gate = { domain: "gate", gate: { name: "docs", facts: [], text }, reason: "it asks", askedBy: { kind: "policy" } };
      const { allowed, by } = await askApprover(terminalApprover({ by: "ada" }), gate, { asker: "run" });
      console.log("allowed " + allowed + " " + by);`;
    const terminal = new Terminal(["--input-type=module", "-e", script], { program: [process.execPath] });
    terminals.push(terminal);
    await terminal.shows("| line 40\r\n");
    await terminal.shows("[y]es, [d]eny, [m]ore (60 lines are not shown yet), [?] explain: ");
    expect(terminal.shown).not.toContain("line 41");
    terminal.type("m\r");
    await terminal.shows("| line 80\r\n");
    await terminal.shows("[m]ore (20 lines are not shown yet)");
    terminal.type("m\r");
    await terminal.shows("| line 100\r\n");
    await terminal.shows("[y]es, [d]eny, [?] explain: ");
    terminal.type("y\r");
    await terminal.shows("allowed true ada");
    expect(await terminal.ended()).toBe(0);
  });
});

describe("cofferdam run without a terminal", () => {
  test("asks nobody, but a reviewed policy", async () => {
    const path = project();
    const args = ["run", "-q", "--discard", "-w", join(path, "work"), "-p", join(path, "policy.yaml")];
    expect(await cofferdam([...args, "--", "cat", "secret/a"])).toMatchObject({ code: 1, stdout: "" });
    const reviewed = folderOf({ "reviewed.yaml": "version: 1\nfilesystem: { read: [./secret/a] }\n" });
    folders.push(reviewed);
    const approved = ["--approved", join(reviewed.path, "reviewed.yaml")];
    expect(await cofferdam([...args, ...approved, "--", "cat", "secret/a", "secret/b"])).toMatchObject({
      code: 1,
      stdout: "one\n",
    });
    const refused = await cofferdam([...args, "--approve", "terminal", "--", "true"]);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("needs a terminal") });
  });
});

describe("cofferdam approvals", () => {
  test("lists what a sandbox in the background asks, and answers it", async () => {
    const path = project();
    const runtime = folderOf({});
    folders.push(runtime);
    const options = { env: { XDG_RUNTIME_DIR: runtime.path }, cwd: path };
    chmodSync(runtime.path, 0o700);
    if (process.getuid?.() === 0) chownSync(runtime.path, 0, 0);
    const call = (...args: string[]) => cofferdam(args, options);
    const flags = ["-w", "work", "-p", "policy.yaml", "--discard", "--name", "asks"];
    const script = "cat secret/a; cat secret/a; cat secret/b; echo over";
    expect(await call("run", "-d", ...flags, "--", "sh", "-c", script)).toMatchObject({ code: 0 });
    try {
      const waiting = async () => JSON.parse((await call("approvals", "list", "--json")).stdout);
      await vi.waitFor(async () => expect(await waiting()).toHaveLength(1), { timeout: 50_000 });
      const [{ id, title, name }] = await waiting();
      expect([title, name]).toEqual(["read /workspace/secret/a", "asks"]);
      const listed = (await call("approvals", "list", "asks")).stdout;
      expect(listed).toContain(id.slice(0, 8));
      expect(listed).toContain("path: ./secret/a");
      expect(await call("approvals", "approve", "none")).toMatchObject({ code: 2 });
      const short = id.slice(0, 8);
      expect(await call("approvals", "approve", short, "--scope", "session")).toMatchObject({ code: 0 });
      expect(await call("approvals", "approve", short)).toMatchObject({ code: 2 });
      await vi.waitFor(async () => expect(await waiting()).toMatchObject([{ title: "read /workspace/secret/b" }]), {
        timeout: 50_000,
      });
      expect(await call("approvals", "deny", (await waiting())[0].id, "--reason", "not yet")).toMatchObject({
        code: 0,
      });
      await vi.waitFor(async () => expect((await call("logs", "asks")).stdout).toContain("over"), { timeout: 50_000 });
      expect((await call("logs", "asks")).stdout).toMatch(/one\r?\none\r?\n.*Permission denied/s);
    } finally {
      await call("stop", "-t", "1s", "asks");
    }
  });
});

describe("TerminalModes", () => {
  test("says again what a program said last, however it was cut", () => {
    const modes = new TerminalModes();
    for (const part of ["\u001b[?1049", "h\u001b[?1000;1006h", "\u001b[?25l\u001b[?7777h", "\u001b[?1000l"])
      modes.see(Buffer.from(part));
    expect(modes.hasScreen).toBe(true);
    expect(modes.again()).toBe("\u001b[?1049h\u001b[?1000l\u001b[?1006h\u001b[?25l");
  });
});
