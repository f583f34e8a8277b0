/**
 * Claude Code as it is: it runs a command, edits a file, and never holds the key.
 */
import { describe, expect, test } from "vitest";
import { secret } from "../conformance/credential-scene.ts";
import { chatModel, messagesModel, type Step, toolResults } from "./model-script.ts";
import { calls, expectNoTrace, model, places, runAgent, starts } from "./support.ts";

const STEPS: readonly Step[] = [
  { tool: "Bash", input: { command: "cat notes.txt; uname -s >made-by-bash.txt", description: "Look around" } },
  { tool: "Edit", input: { file_path: "/workspace/notes.txt", old_string: "before", new_string: "after" } },
  { text: "The notes are fixed." },
];

const ARGV = ["claude", "-p", "Fix the notes", "--dangerously-skip-permissions"] as const;
const QUIET = { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" };

describe("Claude Code", { timeout: 180_000 }, () => {
  test.each(places)("works at its own API with a placeholder for its key (%s)", async (where) => {
    const real = secret("sk-ant-api03-");
    const claude = await model(messagesModel(...STEPS));
    const ran = await runAgent({
      where,
      argv: ARGV,
      // On one of the two places as it comes, telemetry and all.
      ...(where === "local" ? {} : { env: QUIET }),
      policy: {
        credentials: [{ provider: "claude", variable: "ANTHROPIC_API_KEY" }],
        inference: {
          routes: [{ id: "claude", models: ["claude-*"], provider: "anthropic" }],
          providers: { anthropic: { kind: "anthropic", baseUrl: claude.url, credential: "claude" } },
          intercept: ["api.anthropic.com"],
        },
      },
      credentials: { claude: () => real },
    });
    const { sandbox, result } = ran;
    expect(result.stdout).toContain("The notes are fixed.");
    expect(await sandbox.files.readText("notes.txt")).toBe("after\n");
    expect(await sandbox.files.readText("made-by-bash.txt")).toBe("Linux\n");

    expect(claude.requests.map(({ path }) => path)).toEqual(["/v1/messages", "/v1/messages", "/v1/messages"]);
    expect(claude.requests.map(({ headers }) => headers["x-api-key"])).toEqual([real, real, real]);
    expect(claude.requests.map(toolResults).at(-1)).toMatch(/tool_result.*before.*updated successfully/s);
    await expect
      .poll(() => starts(sandbox))
      .toMatchObject({ claude: "allow", bash: "allow", cat: "allow", uname: "allow" });
    await expect
      .poll(() => calls(sandbox))
      .toEqual(
        claude.requests.map(({ body }) => {
          const tokens = { inputTokens: 10, outputTokens: 20 };
          return expect.objectContaining({ object: body.model, verdict: "allow", outcome: "answered", ...tokens });
        }),
      );
    await expectNoTrace(ran, where, real);
  });

  test("works with a model of the other family, and does not know it", async () => {
    const real = secret("sk-proj-");
    const house = await model(chatModel(...STEPS));
    const ran = await runAgent({
      where: "local",
      argv: ARGV,
      env: { ...QUIET, ANTHROPIC_API_KEY: "unused" },
      policy: {
        credentials: [{ name: "HOUSE_KEY", hosts: ["models.acme.example"] }],
        inference: {
          routes: [{ id: "moved", models: ["claude-*"], provider: "house", model: "house-model" }],
          providers: { house: { kind: "vllm", baseUrl: `${house.url}/v1`, credential: "HOUSE_KEY" } },
          intercept: ["api.anthropic.com"],
        },
      },
      credentials: { HOUSE_KEY: () => real },
    });
    const { sandbox, result } = ran;
    expect(result.stdout).toContain("The notes are fixed.");
    expect(await sandbox.files.readText("notes.txt")).toBe("after\n");
    expect(house.requests.map(({ path, body, headers }) => [path, body.model, headers.authorization])).toEqual(
      Array(3).fill(["/v1/chat/completions", "house-model", `Bearer ${real}`]),
    );
    await expect.poll(() => starts(sandbox)).toMatchObject({ uname: "allow" });
    await expect
      .poll(() => calls(sandbox))
      .toEqual(Array(3).fill(expect.objectContaining({ provider: "house", model: "house-model" })));
    await expectNoTrace(ran, "local", real);
  });
});
