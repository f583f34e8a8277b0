import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { chatToMessages } from "../../src/domains/inference/translate/chat-request.ts";
import { responsesToChat } from "../../src/domains/inference/translate/response-request.ts";
import {
  CHAT_TEXT,
  CHAT_TOOLS,
  CHAT_WHOLE,
  CHAT_WHOLE_TOOLS,
  chunks,
  MESSAGE_TEXT,
  MESSAGE_TOOLS,
  MESSAGE_WHOLE,
  MESSAGE_WHOLE_TOOLS,
} from "./fixtures.ts";
import { json, stream } from "./model-server.ts";
import { eventsOf, plain } from "./responses-support.ts";

const FUNCTION = {
  type: "function" as const,
  name: "weather",
  description: "now",
  parameters: { type: "object", properties: { city: {} } },
  strict: true,
};

/** What a coding agent says in its second turn. */
const AGENT = {
  model: "gpt-x",
  instructions: "be brief",
  store: false,
  stream: true,
  include: ["reasoning.encrypted_content"],
  reasoning: { effort: "medium", summary: "auto" },
  prompt_cache_key: "k",
  parallel_tool_calls: false,
  tool_choice: "auto",
  tools: [
    FUNCTION,
    { type: "local_shell" },
    { type: "web_search", external_web_access: false },
    {
      type: "custom",
      name: "apply_patch",
      description: "patch",
      format: { type: "grammar", syntax: "lark", definition: "start: X" },
    },
    {
      type: "namespace",
      name: "mcp__files__",
      description: "",
      tools: [{ type: "function", name: "read", parameters: {} }],
    },
  ],
  input: [
    { type: "message", role: "developer", content: [{ type: "input_text", text: "no network" }] },
    {
      role: "user",
      content: [
        { type: "input_text", text: "look" },
        { type: "input_image", image_url: "data:image/png;base64,AAAA" },
      ],
    },
    { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "sealed" },
    { type: "message", role: "assistant", content: [{ type: "output_text", text: "I look." }] },
    { type: "function_call", call_id: "call_a", name: "weather", arguments: '{"city":"Ulm"}' },
    { type: "local_shell_call", call_id: "call_b", status: "completed", action: { type: "exec", command: ["ls"] } },
    { type: "function_call_output", call_id: "call_a", output: "rain" },
    {
      type: "function_call_output",
      call_id: "call_b",
      output: [
        { type: "input_text", text: "a.png" },
        { type: "input_image", image_url: "data:image/png;base64,BBBB" },
      ],
    },
    { type: "custom_tool_call", call_id: "call_c", name: "apply_patch", input: "*** Begin" },
    { type: "custom_tool_call_output", call_id: "call_c", output: "done" },
    { type: "function_call", call_id: "call_d", name: "read", namespace: "mcp__files__", arguments: "{}" },
    { type: "function_call_output", call_id: "call_d", output: "" },
  ],
};

describe("a request of the Responses API", () => {
  test("with tools that its input adds, and settings in between, has each tool once", () => {
    const added = (name: string, parameters = {}) => ({
      type: "additional_tools",
      role: "developer",
      tools: [{ type: "namespace", name: "functions", tools: [{ type: "function", name, parameters }] }],
    });
    const input = [
      added("a"),
      { role: "user", content: "hi" },
      { type: "configuration_update", reasoning: { effort: "low" } },
      added("b"),
      added("a", { type: "object" }),
    ];
    const said = responsesToChat({ model: "gpt-x", input }, "served", "max_tokens");
    expect(said.messages).toEqual([{ role: "user", content: "hi" }]);
    expect(said.tools).toMatchObject([
      { function: { name: "functions__a", parameters: { type: "object" } } },
      { function: { name: "functions__b" } },
    ]);
  });

  test("as a chat completion: what belongs to a turn stands together", () => {
    const said = responsesToChat(AGENT, "served", "max_tokens");
    expect(said.messages).toEqual([
      { role: "system", content: "be brief\n\nno network" },
      {
        role: "user",
        content: [
          { type: "text", text: "look" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
        ],
      },
      {
        role: "assistant",
        content: "I look.",
        tool_calls: [
          { id: "call_a", type: "function", function: { name: "weather", arguments: '{"city":"Ulm"}' } },
          { id: "call_b", type: "function", function: { name: "local_shell", arguments: '{"command":["ls"]}' } },
        ],
      },
      { role: "tool", tool_call_id: "call_a", content: "rain" },
      { role: "tool", tool_call_id: "call_b", content: "a.png" },
      { role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,BBBB" } }] },
      {
        role: "assistant",
        content: null,
        tool_calls: [
          { id: "call_c", type: "function", function: { name: "apply_patch", arguments: '{"input":"*** Begin"}' } },
        ],
      },
      { role: "tool", tool_call_id: "call_c", content: "done" },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "call_d", type: "function", function: { name: "mcp__files__read", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "call_d", content: "" },
    ]);
    const tools = said.tools as readonly {
      readonly function: { readonly name: string; readonly description?: string };
    }[];
    expect(tools.map((tool) => tool.function.name)).toEqual([
      "weather",
      "local_shell",
      "apply_patch",
      "mcp__files__read",
    ]);
    expect(tools[2]?.function.description).toBe("patch\n\nIts input must follow this grammar (lark):\nstart: X");
    expect(Object.keys(said).sort()).toEqual(
      ["messages", "model", "parallel_tool_calls", "stream", "stream_options", "tool_choice", "tools"].sort(),
    );
    // Which Anthropic's family understands in its turn.
    const message = chatToMessages(said, "served");
    expect(message).toMatchObject({ system: [{ text: "be brief\n\nno network" }], stream: true });
    expect((message.messages as readonly { readonly role: string }[]).map(({ role }) => role)).toEqual([
      "user",
      "assistant",
      "user",
      "assistant",
      "user",
      "assistant",
      "user",
    ]);
  });

  test("a text, a limit, a format, a choice", () => {
    const format = { type: "json_schema", name: "n", schema: { type: "object" }, strict: true };
    const body = { input: "hi", max_output_tokens: 9, temperature: 1, text: { format }, tools: [FUNCTION] };
    expect(responsesToChat({ ...body, tool_choice: { type: "function", name: "weather" } }, "m", "max_tokens")).toEqual(
      {
        model: "m",
        messages: [{ role: "user", content: "hi" }],
        max_tokens: 9,
        temperature: 1,
        response_format: { type: "json_schema", json_schema: { name: "n", schema: { type: "object" }, strict: true } },
        tools: [
          {
            type: "function",
            function: { name: "weather", description: "now", parameters: FUNCTION.parameters, strict: true },
          },
        ],
        tool_choice: { type: "function", function: { name: "weather" } },
      },
    );
  });

  test.each<[string, object, RegExp]>([
    ["store", { store: true }, /store.*keeps nothing/],
    ["an answer before", { previous_response_id: "resp_1" }, /previous_response_id.*send the whole input/],
    ["a conversation", { conversation: "conv_1" }, /conversation/],
    ["a kept prompt", { prompt: { id: "p" } }, /prompt/],
    ["a reference", { input: [{ type: "item_reference", id: "x" }] }, /item_reference/],
    ["a kept file", { input: [{ role: "user", content: [{ type: "input_file", file_id: "f" }] }] }, /file_id/],
    ["background", { background: true }, /background/],
    ["logprobs", { top_logprobs: 2 }, /top_logprobs/],
    ["a summary that only its maker reads", { input: [{ type: "compaction", encrypted_content: "x" }] }, /compaction/],
    ["a computer", { tools: [{ type: "computer_use_preview" }] }, /computer_use_preview/],
    ["a call without a name", { input: [{ type: "function_call", name: "x" }] }, /call_id/],
    ["a provider's tool by choice", { tools: [FUNCTION], tool_choice: { type: "web_search" } }, /web_search/],
  ])("%s is an error that says why, and nobody is asked", async (_, part, words) => {
    const { openai, gpt, claude } = await plain(json({}), json({}));
    for (const model of ["gpt-x", "claude-x"]) {
      const error = await openai.responses.create({ model, input: "hi", ...part }).catch((e) => e);
      expect(error).toBeInstanceOf(OpenAI.BadRequestError);
      expect(error.message).toMatch(words);
    }
    expect([gpt.requests.length, claude.requests.length]).toEqual([0, 0]);
  });
});

describe("answers of the Responses API", () => {
  test("whole ones: text, tools, usage, and the name that was asked for", async () => {
    const { openai, gpt, claude, records } = await plain(json(CHAT_WHOLE_TOOLS), json(MESSAGE_WHOLE_TOOLS));
    for (const [model, prefix] of [
      ["gpt-x", "call_"],
      ["claude-x", "toolu_"],
    ] as const) {
      const answer = await openai.responses.create({ model, input: "hi", tools: [FUNCTION] });
      expect(answer).toMatchObject({ object: "response", model, status: "completed", error: null });
      expect(answer.output.filter(({ type }) => type === "function_call")).toMatchObject([
        { call_id: `${prefix}a`, name: "weather", arguments: '{"city":"Ulm"}' },
        { call_id: `${prefix}b`, name: "time", arguments: "{}" },
      ]);
      expect(answer.usage).toMatchObject({ input_tokens: 20, output_tokens: 7, total_tokens: 27 });
    }
    expect([gpt.requests[0]?.path, claude.requests[0]?.path]).toEqual(["/v1/chat/completions", "/v1/messages"]);
    gpt.reply = json(CHAT_WHOLE);
    claude.reply = json({ ...MESSAGE_WHOLE, stop_reason: "max_tokens" });
    expect((await openai.responses.create({ model: "gpt-x", input: "hi" })).output_text).toBe("Hello, wörld");
    const cut = await openai.responses.create({ model: "claude-x", input: "hi" });
    expect([cut.status, cut.incomplete_details]).toEqual(["incomplete", { reason: "max_output_tokens" }]);
    expect(records.map(({ endpoint, usage }) => [endpoint, usage.outputTokens])).toEqual(
      Array.from({ length: 4 }, () => ["responses", 7]),
    );
  });

  test.each([
    ["gpt-x", "call_"],
    ["claude-x", "toolu_"],
  ])(
    "in pieces from %s: every event has its number, and the client's own helper puts them together",
    async (model, prefix) => {
      const { openai, gpt, claude, fetch, records } = await plain(stream(CHAT_TOOLS), stream(MESSAGE_TOOLS));
      const answer = await openai.responses.stream({ model, input: "hi", tools: [FUNCTION] }).finalResponse();
      expect(answer.output).toMatchObject([
        { type: "message", content: [{ type: "output_text", text: "I look." }] },
        { type: "function_call", call_id: `${prefix}a`, name: "weather", arguments: '{"city":"Ulm"}' },
        { type: "function_call", call_id: `${prefix}b`, name: "time", arguments: "{}" },
      ]);
      expect(answer.usage).toMatchObject({ input_tokens: 20, output_tokens: 7 });
      await expect.poll(() => records[0]?.usage).toEqual({ inputTokens: 20, outputTokens: 7, cachedTokens: 4 });
      gpt.reply = stream(CHAT_TEXT);
      claude.reply = stream(MESSAGE_TEXT);
      const body = JSON.stringify({ model, input: "hi", stream: true });
      const told = eventsOf(await (await fetch("/v1/responses", { method: "POST", body })).text());
      expect(told.map(({ sequence_number }) => sequence_number)).toEqual(told.map((_, index) => index));
      expect(told.map(({ type }) => type)).toEqual([
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
      ]);
      expect(new Set(told.flatMap(({ item_id }) => item_id ?? [])).size).toBe(1);
      expect(told[6]).toMatchObject({ output_index: 0, content_index: 0, text: "Hello, wörld" });
    },
  );

  test("a patch and a shell are called as the client knows them", async () => {
    const call = (index: number, id: string, name: string, text: string) => ({
      choices: [
        { index: 0, delta: { tool_calls: [{ index, id, type: "function", function: { name, arguments: text } }] } },
      ],
    });
    const more = (index: number, text: string) => ({
      choices: [{ index: 0, delta: { tool_calls: [{ index, function: { arguments: text } }] } }],
    });
    const { fetch } = await plain(
      stream(
        chunks(
          call(0, "call_a", "apply_patch", '{"inp'),
          more(0, 'ut":"*** Begin\\n"}'),
          call(1, "call_b", "local_shell", '{"command":["ls","-l"],"timeout_ms":5}'),
          call(2, "call_c", "mcp__files__read", "{}"),
          call(3, "call_d", "apply_patch", "*** not JSON"),
          { choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] },
        ),
      ),
      json({}),
    );
    const told = eventsOf(await (await fetch("/v1/responses", { method: "POST", body: JSON.stringify(AGENT) })).text());
    expect(told.at(-1)).toMatchObject({ type: "response.completed" });
    expect(told.filter(({ type }) => type === "response.output_item.done").map(({ item }) => item)).toMatchObject([
      { type: "custom_tool_call", call_id: "call_a", name: "apply_patch", input: "*** Begin\n" },
      { type: "local_shell_call", call_id: "call_b", action: { type: "exec", command: ["ls", "-l"], timeout_ms: 5 } },
      { type: "function_call", call_id: "call_c", name: "read", namespace: "mcp__files__" },
      { type: "custom_tool_call", call_id: "call_d", input: "*** not JSON" },
    ]);
    const inputs = told
      .filter(({ type }) => /custom_tool_call_input/.test(type))
      .map(({ type, delta, input }) => [type, delta ?? input]);
    expect(inputs.slice(0, 2)).toEqual([
      ["response.custom_tool_call_input.delta", "*** Begin\n"],
      ["response.custom_tool_call_input.done", "*** Begin\n"],
    ]);
  });

  test("what was asked is said again, unless it is long", async () => {
    const { openai } = await plain(stream(CHAT_TEXT), json({}));
    const echoed = async (instructions: string) =>
      (await openai.responses.stream({ model: "gpt-x", input: "hi", instructions, tools: [FUNCTION] }).finalResponse())
        .instructions;
    expect([await echoed("be brief"), await echoed("x".repeat(2 ** 20))]).toEqual(["be brief", null]);
  });

  test("a refusal, and an answer that says nothing", async () => {
    const said = chunks(
      { choices: [{ index: 0, delta: { refusal: "I will" } }] },
      { choices: [{ index: 0, delta: { refusal: " not" }, finish_reason: "content_filter" }] },
    );
    const { openai, gpt } = await plain(stream(said), json({}));
    const answer = await openai.responses.stream({ model: "gpt-x", input: "hi" }).finalResponse();
    expect(answer).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "content_filter" },
      output: [{ content: [{ type: "refusal", refusal: "I will not" }] }],
    });
    gpt.reply = stream("data: [DONE]\n\n");
    expect(await openai.responses.stream({ model: "gpt-x", input: "hi" }).finalResponse()).toMatchObject({
      status: "completed",
      output: [],
    });
  });
});
