/**
 * Claude Code, as it comes from npm, in a sandbox: it works on a copy of a folder, starts the programs that the policy names,
 * and calls models through this process, which has the key. What it changed is looked at before it is applied.
 * Without ANTHROPIC_API_KEY a server of this process stands in for the model.
 *
 * Run it with `bash scripts/setup-agents.sh && npx tsx examples/claude-code.ts`, or with your own: CLAUDE_CODE=/path/of/claude.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { createSandbox, type DecisionRecord, type Policy } from "../src/mod.ts";

const claude = await realpath(process.env.CLAUDE_CODE ?? join(import.meta.dirname, "../.cache/agents/bin/claude"));
const standIn = process.env.ANTHROPIC_API_KEY === undefined;
const key = process.env.ANTHROPIC_API_KEY ?? `sk-ant-api03-${randomBytes(48).toString("hex")}`;

/** What the stand-in says, turn by turn: it looks, it edits, and it is done. */
const turns = [
  { type: "tool_use", id: "1", name: "Bash", input: { command: "cat notes.txt && uname -s", description: "Look" } },
  {
    type: "tool_use",
    id: "2",
    name: "Edit",
    input: { file_path: "/workspace/notes.txt", old_string: "teh", new_string: "the" },
  },
  { type: "text", text: "I fixed a word." },
] as const;

const keys = new Set<unknown>();
const models = createServer(async (request, response) => {
  let body = "";
  for await (const piece of request.setEncoding("utf8")) body += piece;
  keys.add(request.headers["x-api-key"]);
  const block = turns[body.split('"type":"tool_result"').length - 1] ?? turns[2];
  const isText = block.type === "text";
  const delta = isText
    ? { type: "text_delta", text: block.text }
    : { type: "input_json_delta", partial_json: JSON.stringify(block.input) };
  const usage = { input_tokens: 10, output_tokens: 10 };
  const message = { id: "m", type: "message", role: "assistant", model: "claude-stand-in", content: [], usage };
  response.setHeader("content-type", "text/event-stream").end(
    [
      { type: "message_start", message },
      {
        type: "content_block_start",
        index: 0,
        content_block: isText ? { ...block, text: "" } : { ...block, input: {} },
      },
      { type: "content_block_delta", index: 0, delta },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: isText ? "end_turn" : "tool_use" }, usage },
      { type: "message_stop" },
    ]
      .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
      .join(""),
  );
});
await new Promise<void>((resolve) => models.listen(0, "127.0.0.1", resolve));
const { port } = models.address() as AddressInfo;

/** What Claude Code needs. Everything else is denied, and it goes on without. */
const policy: Policy = {
  version: 1,
  filesystem: { read: [dirname(claude)], write: ["."], deny: ["**/.env"] },
  process: { allow: [claude, "bash", "sh", "cat", "uname", "git"], deny: [{ binary: "git", args: ["push", "**"] }] },
  credentials: [{ provider: "claude", variable: "ANTHROPIC_API_KEY" }],
  inference: {
    routes: [{ id: "claude", models: ["claude-*"], provider: "anthropic" }],
    ...(standIn
      ? { providers: { anthropic: { kind: "anthropic", baseUrl: `http://127.0.0.1:${port}`, credential: "claude" } } }
      : {}),
    intercept: ["api.anthropic.com"],
    budget: { tokens: 500_000 },
  },
};

const folder = await mkdtemp(join(tmpdir(), "cofferdam-example-"));
try {
  await writeFile(join(folder, "notes.txt"), "This is teh note.\n");
  await using sandbox = await createSandbox(policy, {
    runtime: "local",
    workspace: folder,
    // Updates, telemetry and the like would be denied anyway: this saves it the trying.
    // And of the shells that there are it takes the one that the policy names.
    env: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", SHELL: "/bin/bash" },
    credentials: { claude: () => key },
  });
  const task = "Run `cat notes.txt && uname -s`, then correct the spelling in notes.txt. Ask nothing.";
  // The sandbox is what holds it: its own questions would have nobody to answer them.
  const agent = [claude, "-p", task, "--dangerously-skip-permissions"];
  const { stdout } = await sandbox.exec(agent, { check: true, timeoutMs: 100_000 });
  console.log("Claude Code says:", stdout.trim());

  // The key was on no side of the link but this one.
  const held = (await sandbox.exec(["sh", "-c", 'printf %s "$ANTHROPIC_API_KEY"'])).stdout;
  assert.match(held, /^sk-ant-api03-/);
  assert.notEqual(held, key);
  if (standIn) assert.deepEqual([...keys], [key]);
  assert.ok(!JSON.stringify(sandbox.decisions()).includes(key));

  // Records follow what they tell of.
  const isUname = ({ domain, object, verdict }: DecisionRecord) =>
    domain === "process" && verdict === "allow" && object.endsWith("/uname");
  for (let tries = 0; tries < 100 && !sandbox.decisions().some(isUname); tries++) await setTimeout(100);
  for (const { domain, operation, object, verdict } of sandbox.decisions()) {
    if (domain === "process" || domain === "inference") console.log(verdict.padEnd(5), domain, operation, object);
  }
  assert.ok(sandbox.decisions().some(isUname));

  // Nothing has left the copy yet.
  assert.match(await readFile(join(folder, "notes.txt"), "utf8"), /teh/);
  const changes = await sandbox.changes();
  console.log("Changed:", changes.map(({ path }) => path).join(", "));
  await sandbox.apply();
  assert.equal(await readFile(join(folder, "notes.txt"), "utf8"), "This is the note.\n");
} finally {
  models.closeAllConnections();
  models.close();
  await rm(folder, { recursive: true });
}
