/**
 * Tools of the Responses API that its clients run, before providers that know only functions.
 */
import { describe, expect, test } from "vitest";
import { responsesToChat } from "../../src/domains/inference/translate/response-request.ts";
import { chunks, events } from "./fixtures.ts";
import { stream } from "./model-server.ts";
import { eventsOf, plain } from "./responses-support.ts";

const TOOLS = [{ type: "shell", environment: { type: "local" } }, { type: "apply_patch" }];
const PATCH = { type: "update_file", path: "a.ts", diff: "@@\n-a\n+b" };

/** The second turn of a client that ran what it was asked to. */
const INPUT = [
  { role: "user", content: "change it" },
  { type: "shell_call", call_id: "call_a", status: "completed", action: { commands: ["cat a.ts"], timeout_ms: 9 } },
  {
    type: "shell_call_output",
    call_id: "call_a",
    output: [
      { stdout: "a", stderr: "warned", outcome: { type: "exit", exit_code: 1 } },
      { stdout: "", stderr: "", outcome: { type: "timeout" } },
    ],
  },
  { type: "apply_patch_call", call_id: "call_b", status: "completed", operation: PATCH },
  { type: "apply_patch_call_output", call_id: "call_b", status: "failed", output: "no such line" },
];

describe("tools that a client runs", () => {
  test("are functions, and so are their calls and what came of them", () => {
    const said = responsesToChat(
      { model: "m", tools: TOOLS, tool_choice: { type: "shell" }, input: INPUT },
      "m",
      "max_tokens",
    );
    expect(said.tools).toMatchObject([
      { function: { name: "shell", parameters: { required: ["commands"] } } },
      { function: { name: "apply_patch", parameters: { required: ["type", "path"] } } },
    ]);
    expect(said.tool_choice).toEqual({ type: "function", function: { name: "shell" } });
    const call = (id: string, name: string, args: object) => ({
      role: "assistant",
      content: null,
      tool_calls: [{ id, type: "function", function: { name, arguments: JSON.stringify(args) } }],
    });
    expect(said.messages).toEqual([
      { role: "user", content: "change it" },
      call("call_a", "shell", { commands: ["cat a.ts"], timeout_ms: 9 }),
      { role: "tool", tool_call_id: "call_a", content: "a\nwarned\nexit code 1\nit took too long" },
      call("call_b", "apply_patch", PATCH),
      { role: "tool", tool_call_id: "call_b", content: "failed\nno such line" },
    ]);
    // A shell in a container of the provider's is none of the client's.
    const remote = { type: "shell", environment: { type: "container_auto" } };
    expect(responsesToChat({ model: "m", tools: [remote], input: "hi" }, "m", "max_tokens").tools).toBeUndefined();
  });

  test("are called as the client knows them, whatever the provider speaks", async () => {
    const asked = [
      ["shell", JSON.stringify({ commands: ["ls", "pwd"] })],
      ["apply_patch", JSON.stringify({ type: "delete_file", path: "a.ts", diff: "" })],
      ["apply_patch", JSON.stringify(PATCH)],
    ] as const;
    const { fetch } = await plain(
      stream(
        chunks(
          ...asked.map(([name, args], index) => ({
            choices: [
              {
                index: 0,
                delta: { tool_calls: [{ index, id: `call_${index}`, function: { name, arguments: args } }] },
              },
            ],
          })),
          { choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] },
        ),
      ),
      stream(
        events(
          { type: "message_start", message: { usage: { input_tokens: 1, output_tokens: 1 } } },
          ...asked.flatMap(([name, partial_json], index) => [
            {
              type: "content_block_start",
              index,
              content_block: { type: "tool_use", id: `call_${index}`, name, input: {} },
            },
            { type: "content_block_delta", index, delta: { type: "input_json_delta", partial_json } },
            { type: "content_block_stop", index },
          ]),
          { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 9 } },
          { type: "message_stop" },
        ),
      ),
    );
    for (const model of ["gpt-x", "claude-x"]) {
      const body = JSON.stringify({ model, input: "hi", tools: TOOLS, stream: true });
      const told = eventsOf(await (await fetch("/v1/responses", { method: "POST", body })).text());
      const items = (type: string) => told.filter((each) => each.type === type).map(({ item }) => item);
      expect(items("response.output_item.added")[0]).toMatchObject({ type: "shell_call", action: { commands: [] } });
      expect(items("response.output_item.done")).toMatchObject([
        { type: "shell_call", call_id: "call_0", action: { commands: ["ls", "pwd"], timeout_ms: null } },
        { type: "apply_patch_call", call_id: "call_1", operation: { type: "delete_file", path: "a.ts" } },
        { type: "apply_patch_call", call_id: "call_2", status: "completed", operation: PATCH },
      ]);
    }
  });
});
