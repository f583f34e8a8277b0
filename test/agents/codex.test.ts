/**
 * Codex as it is: it runs a command, patches a file, and never holds the key.
 */
import { describe, expect, test } from "vitest";
import { secret } from "../conformance/credential-scene.ts";
import { messagesModel, responsesModel, type Step, toolResults } from "./model-script.ts";
import { calls, expectNoTrace, model, places, runAgent, starts } from "./support.ts";

const PATCH = "*** Begin Patch\n*** Update File: notes.txt\n@@\n-before\n+after\n*** End Patch";

/** Its models write JavaScript, which calls its tools. */
const STEPS: readonly Step[] = [
  {
    tool: "exec",
    input: 'text((await tools.exec_command({ cmd: "cat notes.txt; uname -s >made-by-shell.txt" })).output);',
  },
  { tool: "exec", input: `text(await tools.apply_patch(${JSON.stringify(PATCH)}));` },
  { text: "The notes are fixed." },
];

// It has a sandbox of its own, which needs what ours denies: user namespaces.
const ARGV = [
  "codex",
  "exec",
  "--skip-git-repo-check",
  "--dangerously-bypass-approvals-and-sandbox",
  "Fix the notes",
] as const;

describe("Codex", { timeout: 180_000 }, () => {
  test.each(places)("works at its own API with a placeholder for its key (%s)", async (where) => {
    const real = secret("sk-proj-");
    const gpt = await model(responsesModel(...STEPS));
    const ran = await runAgent({
      where,
      argv: ARGV,
      policy: {
        credentials: [{ provider: "codex", variable: "CODEX_API_KEY" }],
        inference: {
          routes: [{ id: "gpt", models: ["gpt-*"], provider: "openai" }],
          providers: { openai: { kind: "openai", baseUrl: `${gpt.url}/v1`, credential: "codex" } },
          intercept: ["api.openai.com"],
        },
      },
      credentials: { codex: () => real },
    });
    const { sandbox, result } = ran;
    expect(result.stdout).toContain("The notes are fixed.");
    expect(await sandbox.files.readText("notes.txt")).toBe("after\n");
    expect(await sandbox.files.readText("made-by-shell.txt")).toBe("Linux\n");

    expect(gpt.requests.map(({ path, headers }) => [path, headers.authorization])).toEqual(
      Array(3).fill(["/v1/responses", `Bearer ${real}`]),
    );
    expect(gpt.requests.map(toolResults).at(-1)).toMatch(/_output.*before/s);
    await expect.poll(() => starts(sandbox)).toMatchObject({ codex: "allow", cat: "allow", uname: "allow" });
    await expect
      .poll(() => calls(sandbox))
      .toEqual(
        Array(3).fill(expect.objectContaining({ endpoint: "responses", verdict: "allow", outcome: "answered" })),
      );
    // It takes one answer to go on without.
    const webSockets = sandbox.decisions().filter(({ reason }) => reason === "there are no WebSockets here");
    expect(webSockets.map(({ object }) => object)).toEqual(["GET /v1/responses (api.openai.com:443)"]);
    await expectNoTrace(ran, where, real);
  });

  test("works with a model of the other family, and does not know it", async () => {
    const real = secret("sk-ant-api03-");
    // A custom tool of a namespace is a function with one argument there.
    const steps = STEPS.map((step): Step => {
      return "text" in step ? step : { tool: `functions__${step.tool}`, input: { input: step.input } };
    });
    const claude = await model(messagesModel(...steps));
    const ran = await runAgent({
      where: "local",
      argv: ARGV,
      env: { CODEX_API_KEY: "unused" },
      policy: {
        credentials: [{ name: "HOUSE_KEY", hosts: ["models.acme.example"] }],
        inference: {
          routes: [{ id: "moved", models: ["gpt-*"], provider: "house", model: "claude-house" }],
          providers: { house: { kind: "anthropic", baseUrl: claude.url, credential: "HOUSE_KEY" } },
          intercept: ["api.openai.com"],
        },
      },
      credentials: { HOUSE_KEY: () => real },
    });
    const { sandbox, result } = ran;
    expect(result.stdout).toContain("The notes are fixed.");
    expect(await sandbox.files.readText("notes.txt")).toBe("after\n");
    expect(claude.requests.map(({ path, body, headers }) => [path, body.model, headers["x-api-key"]])).toEqual(
      Array(3).fill(["/v1/messages", "claude-house", real]),
    );
    expect(claude.requests.map(toolResults).at(-1)).toMatch(/tool_result.*before/s);
    await expect.poll(() => starts(sandbox)).toMatchObject({ cat: "allow", uname: "allow" });
    await expect
      .poll(() => calls(sandbox))
      .toEqual(Array(3).fill(expect.objectContaining({ provider: "house", endpoint: "responses" })));
    await expectNoTrace(ran, "local", real);
  });
});
