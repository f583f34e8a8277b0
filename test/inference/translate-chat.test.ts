import { describe, expect, test } from "vitest";
import { chatToMessages } from "../../src/domains/inference/translate/chat-request.ts";
import { MESSAGE_TEXT, MESSAGE_TOOLS, MESSAGE_WHOLE, MESSAGE_WHOLE_TOOLS } from "./fixtures.ts";
import { either, json, stream } from "./model-server.ts";
import { CHAT, crossed } from "./support.ts";

const TOOL = {
  name: "weather",
  description: "now",
  input_schema: { type: "object" as const, properties: { city: {} } },
};

describe("a client of the OpenAI family before a provider of Anthropic's", () => {
  test("whole answers: text, tools, usage, and the name that was asked for", async () => {
    const { openai, claude, records } = await crossed(json({}), json(MESSAGE_WHOLE_TOOLS));
    const answer = await openai.chat.completions.create(CHAT);
    expect(answer).toMatchObject({
      object: "chat.completion",
      model: "gpt-x",
      choices: [{ finish_reason: "tool_calls", message: { role: "assistant", content: "I look." } }],
      usage: { prompt_tokens: 20, completion_tokens: 7, total_tokens: 27, prompt_tokens_details: { cached_tokens: 4 } },
    });
    expect(answer.choices[0]?.message.tool_calls).toEqual([
      { id: "toolu_a", type: "function", function: { name: "weather", arguments: '{"city":"Ulm"}' } },
      { id: "toolu_b", type: "function", function: { name: "time", arguments: "{}" } },
    ]);
    expect(claude.requests[0]).toMatchObject({
      path: "/v1/messages",
      body: {
        model: "served-claude",
        max_tokens: 8192,
        messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
      },
    });
    expect(records[0]).toMatchObject({ model: "gpt-x", usage: { inputTokens: 20, outputTokens: 7 } });
  });

  test("answers in pieces: text and tools as the client's own helper puts them together", async () => {
    const { openai, claude, records, fetch } = await crossed(json({}), either({}, MESSAGE_TOOLS));
    const answer = await openai.chat.completions
      .stream({ ...CHAT, stream_options: { include_usage: true } })
      .finalChatCompletion();
    expect(answer.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: {
        content: "I look.",
        tool_calls: [
          { id: "toolu_a", function: { name: "weather", arguments: '{"city":"Ulm"}' } },
          { id: "toolu_b", function: { name: "time", arguments: "{}" } },
        ],
      },
    });
    expect(answer.usage).toMatchObject({ prompt_tokens: 20, completion_tokens: 7 });
    await expect.poll(() => records[0]?.usage).toEqual({ inputTokens: 20, outputTokens: 7, cachedTokens: 4 });
    claude.reply = stream(MESSAGE_TEXT);
    const body = JSON.stringify({ ...CHAT, stream: true });
    const text = await (await fetch("/v1/chat/completions", { method: "POST", body })).text();
    expect(text).toMatch(/"finish_reason":"stop"\}\]\}\n\ndata: \[DONE\]\n\n$/);
    expect(text).not.toContain('"usage"');
  });

  test("a conversation with system prompts, images, tools and their results", () => {
    const said = chatToMessages(
      {
        model: "x",
        messages: [
          { role: "system", content: "be kind" },
          { role: "developer", content: [{ type: "text", text: "be brief" }] },
          {
            role: "user",
            content: [
              { type: "text", text: "look" },
              { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
              { type: "image_url", image_url: { url: "https://images.test/a.png" } },
            ],
          },
          {
            role: "assistant",
            content: null,
            tool_calls: [
              { id: "call.1", type: "function", function: { name: "weather", arguments: '{"city":"Ulm"}' } },
              { id: "call_2", type: "function", function: { name: "time", arguments: "" } },
            ],
          },
          { role: "tool", tool_call_id: "call.1", content: "rain" },
          { role: "tool", tool_call_id: "call_2", content: [{ type: "text", text: "noon" }] },
          { role: "user", content: "and?" },
        ],
        max_completion_tokens: 9,
        temperature: 1.5,
        stop: "END",
        tools: [{ type: "function", function: { name: "weather", description: "now", parameters: TOOL.input_schema } }],
        tool_choice: { type: "function", function: { name: "weather" } },
        parallel_tool_calls: false,
        seed: 1,
        user: "someone",
      },
      "served",
    );
    expect(said).toEqual({
      model: "served",
      max_tokens: 9,
      system: [
        { type: "text", text: "be kind" },
        { type: "text", text: "be brief" },
      ],
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "look" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
            { type: "image", source: { type: "url", url: "https://images.test/a.png" } },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "tool_use", id: "call_1", name: "weather", input: { city: "Ulm" } },
            { type: "tool_use", id: "call_2", name: "time", input: {} },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "call_1", content: [{ type: "text", text: "rain" }] },
            { type: "tool_result", tool_use_id: "call_2", content: [{ type: "text", text: "noon" }] },
            { type: "text", text: "and?" },
          ],
        },
      ],
      temperature: 1,
      stop_sequences: ["END"],
      tools: [TOOL],
      tool_choice: { type: "tool", name: "weather", disable_parallel_tool_use: true },
    });
  });

  test.each([
    ["response_format", { response_format: { type: "json_schema" } }],
    ["n", { n: 2 }],
    ["custom", { tools: [{ type: "custom", custom: { name: "x" } }] }],
    ["input_audio", { messages: [{ role: "user", content: [{ type: "input_audio" }] }] }],
    [
      "arguments",
      { messages: [{ role: "assistant", tool_calls: [{ id: "a", function: { name: "b", arguments: "{" } }] }] },
    ],
  ])("what cannot be said is an error, and is not left out: %s", async (what, rest) => {
    const { fetch, claude } = await crossed(json({}), json(MESSAGE_WHOLE));
    const body = JSON.stringify({ ...CHAT, ...rest });
    const answer = await fetch("/v1/chat/completions", { method: "POST", body });
    expect([answer.status, claude.requests.length]).toEqual([400, 0]);
    expect(await answer.json()).toMatchObject({ error: { message: expect.stringContaining(what) } });
  });
});
