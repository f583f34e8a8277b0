import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { chatModel, messagesModel } from "../agents/model-script.ts";
import { ROOT } from "../house/tree.ts";
import { modelServer } from "../inference/model-server.ts";
import { cofferdam, folderOf, Terminal } from "./support.ts";

/** The agents of the tests, without a symlink on the way: see scripts/setup-agents.sh. */
const agents = () => realpathSync(join(ROOT, ".cache/agents/bin"));

const folders: ReturnType<typeof folderOf>[] = [];
const terminals: Terminal[] = [];

afterEach(() => {
  for (const terminal of terminals.splice(0)) terminal.kill();
  for (const folder of folders.splice(0)) folder.remove();
});

function open(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; rows?: number } = {},
): Terminal {
  const terminal = new Terminal(args, options);
  terminals.push(terminal);
  return terminal;
}

function folder(): string {
  const made = folderOf({ "a.txt": "one\n" });
  folders.push(made);
  return made.path;
}

/** A folder to work in, and beside it a policy that says where models are. */
function project(files: Readonly<Record<string, string>>, providers: object) {
  const given = JSON.stringify({ version: 1, inference: { providers } });
  const made = folderOf({
    "models.json": given,
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`work/${name}`, text])),
  });
  folders.push(made);
  return {
    cwd: join(made.path, "work"),
    policy: join(made.path, "models.json"),
    log: join(made.path, "log.jsonl"),
    path: made.path,
  };
}

const shell = (script: string) => ["run", "-q", "--no-workspace", "--", "sh", "-c", script];

describe("cofferdam in a terminal", () => {
  test("gives the program a terminal of the same size, which follows", async () => {
    const terminal = open(shell('trap "stty size" WINCH; stty size; while :; do read line && echo "got $line"; done'));
    await terminal.shows("24 80");
    terminal.resize(33, 101);
    await terminal.shows("33 101");
    terminal.type("hello\r");
    await terminal.shows("got hello");
    terminal.type("\u0003");
    expect(await terminal.ended()).toBe(130);
  });

  test("that has no size is taken for an ordinary one", async () => {
    const terminal = open(shell("stty size"), { rows: 0 });
    await terminal.shows("24 80");
    expect(await terminal.ended()).toBe(0);
  });

  test("leaves Ctrl-C to the program as often as it is typed", async () => {
    const terminal = open(shell('trap "echo caught" INT; echo ready; while :; do sleep 0.1; done'));
    await terminal.shows("ready");
    for (let turn = 0; turn < 3; turn++) {
      terminal.type("\u0003");
      await terminal.shows("caught");
    }
    terminal.type("\u001c");
    expect(await terminal.ended()).toBe(131);
  });

  test("shows changes and their differences, and applies them on a yes", async () => {
    const cwd = folder();
    const terminal = open(["run", "--", "sh", "-c", "echo two >> a.txt"], { cwd });
    await terminal.shows("1 change");
    await terminal.shows("a.txt");
    await terminal.shows("[y]es, [n]o, [d]iff:");
    terminal.type("d\r");
    await terminal.shows("+two");
    await terminal.shows("[y]es, [n]o, [d]iff:");
    terminal.type("y\r");
    await terminal.shows("1 change applied");
    expect(await terminal.ended()).toBe(0);
    expect(readFileSync(join(cwd, "a.txt"), "utf8")).toBe("one\ntwo\n");
  });

  test("takes nothing that was typed for the program as a yes, and shows its question on a screen that can be read", async () => {
    const cwd = folder();
    const script = "printf '\\033[?1049h\\033[8m'; echo ready; echo two >> a.txt; sleep 1";
    const terminal = open(["run", "--", "sh", "-c", script], { cwd });
    await terminal.shows("ready");
    terminal.type("y\ry\r");
    await terminal.shows("\u001b[0m\u001b[?1049l");
    await terminal.shows("[d]iff:");
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(readFileSync(join(cwd, "a.txt"), "utf8")).toBe("one\n");
    terminal.type("n\r");
    await terminal.shows("1 change thrown away");
  });

  test.each([
    ["a no", "n\r"],
    ["Ctrl-C", "\u0003"],
    ["the end of the input", "\u0004"],
  ])("throws changes away on %s", async (_, keys) => {
    const cwd = folder();
    const terminal = open(["run", "--", "sh", "-c", "echo two >> a.txt"], { cwd });
    await terminal.shows("[d]iff:");
    terminal.type(keys);
    await terminal.shows("1 change thrown away");
    expect(await terminal.ended()).toBe(0);
    expect(readFileSync(join(cwd, "a.txt"), "utf8")).toBe("one\n");
  });

  test("has colours, unless NO_COLOR says no", async () => {
    const coloured = open(["run", "--no-workspace", "--", "true"]);
    await coloured.ended();
    expect(coloured.shown).toContain("\u001b[1mcofferdam");
    const plain = open(["run", "--no-workspace", "--", "true"], { env: { NO_COLOR: "1" } });
    await plain.ended();
    expect(plain.shown).toContain("cofferdam local");
    expect(plain.shown).not.toContain("\u001b[");
  });

  test("leaves suspending to the shell in the sandbox", async () => {
    const terminal = open(["shell", "--no-workspace", "-q"]);
    await terminal.shows("$");
    // Who has said something has the terminal, and is stopped by the key: at the start and when it goes on.
    terminal.type(`sh -c 'trap "echo go""ing" CONT; echo be""gun; while :; do sleep 0.1; done'\r`);
    await terminal.shows("begun");
    terminal.type("\u001a");
    await terminal.shows("Stopped");
    terminal.type("fg\r");
    await terminal.shows("going");
    terminal.type("\u0003");
    await terminal.shows("$");
    terminal.type("exit 6\r");
    expect(await terminal.ended()).toBe(6);
  });

  test("opens a shell", async () => {
    const terminal = open(["shell", "--no-workspace", "-q"]);
    await terminal.shows("$");
    terminal.type("echo $((6 * 7)); tty\r");
    await terminal.shows("42");
    await terminal.shows("/dev/pts/");
    terminal.type("exit 5\r");
    expect(await terminal.ended()).toBe(5);
  });
});

describe("cofferdam run --recipe in a terminal", { timeout: 120_000 }, () => {
  test("has Claude Code edit a file through the review, and what it was denied in the log", async () => {
    const model = await modelServer(
      messagesModel(
        { tool: "Bash", input: { command: "cat notes.txt; cat .env", description: "Look around" } },
        { tool: "Edit", input: { file_path: "/workspace/notes.txt", old_string: "teh", new_string: "the" } },
        { text: "The notes are fixed." },
      ),
    );
    const key = `sk-ant-api03-fake-${process.pid}`;
    try {
      const anthropic = { kind: "anthropic", baseUrl: model.url, credential: "claude" };
      const { cwd, policy, log } = project({ "notes.txt": "teh note\n", ".env": "KEY=1\n" }, { anthropic });
      const options = ["--param", `installed=${agents()}`, "--policy", policy, "--audit", log];
      const program = ["claude", "-p", "Fix the notes", "--dangerously-skip-permissions"];
      const args = ["run", "--recipe", "claude-code", ...options, "--", ...program];
      const terminal = open(args, { cwd, env: { ANTHROPIC_API_KEY: key } });
      await terminal.shows("The notes are fixed.");
      await terminal.shows("notes.txt");
      await terminal.shows("[y]es, [n]o, [d]iff:");
      expect(readFileSync(join(cwd, "notes.txt"), "utf8")).toBe("teh note\n");
      terminal.type("y\r");
      await terminal.shows("1 change applied");
      await terminal.shows("/workspace/.env");
      expect(await terminal.ended()).toBe(0);
      expect(readFileSync(join(cwd, "notes.txt"), "utf8")).toBe("the note\n");
      expect(model.requests.map(({ headers }) => headers["x-api-key"])).toEqual([key, key, key]);
      const shown = await cofferdam(["audit", "show", log]);
      expect(shown.stdout).toMatch(/deny read \/workspace\/\.env /);
      expect(shown.stdout.match(/allow call claude-/g)).toHaveLength(3);
      expect(readFileSync(log, "utf8")).not.toContain(key);
    } finally {
      await model.close();
    }
  });

  test("has a personal agent work with a local model and its memory, and nothing else", async () => {
    const model = await modelServer(chatModel({ text: "Milk first." }));
    const agent = `
      const answer = await fetch(process.env.OPENAI_BASE_URL + "/chat/completions", {
        method: "POST", headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: "llama3.2", stream: true, messages: [{ role: "user", content: "What first?" }] }),
      });
      const text = [...(await answer.text()).matchAll(/"content":"([^"]+)"/g)].map(([, piece]) => piece).join("");
      const { appendFileSync, writeFileSync } = await import("node:fs");
      appendFileSync(process.env.AGENT_MEMORY + "/said", text);
      writeFileSync("work/list.md", text);
      console.log("agent:", text, await fetch("https://example.com/").then(({ status }) => status, (error) => error.cause.code));`;
    try {
      const ollama = { kind: "ollama", baseUrl: `${model.url}/v1` };
      const { cwd, policy, path } = project({ "work/agent.mjs": agent, "taxes.txt": "private\n" }, { ollama });
      const args = ["run", "--recipe", "personal-agent", "--policy", policy, "--", "node", "work/agent.mjs"];
      const terminal = open(args, { cwd, env: { COFFERDAM_STATE: join(path, "state") } });
      await terminal.shows("agent: Milk first. ");
      await terminal.shows("work/list.md");
      await terminal.shows("[d]iff:");
      terminal.type("y\r");
      await terminal.shows("example.com");
      expect(await terminal.ended()).toBe(0);
      expect(readFileSync(join(cwd, "work/list.md"), "utf8")).toBe("Milk first.");
      expect(model.requests.map(({ path, body }) => [path, body.model])).toEqual([
        ["/v1/chat/completions", "llama3.2"],
      ]);
      const said = join(path, "state/volumes/personal-agent/data/said");
      expect(readFileSync(said, "utf8")).toBe("Milk first.");
    } finally {
      await model.close();
    }
  });
});
