import { describe, expect, test } from "vitest";
import { messagesToChat } from "../../src/domains/inference/translate/message-request.ts";
import { CHAT_TOOLS, CHAT_WHOLE, CHAT_WHOLE_TOOLS } from "./fixtures.ts";
import { json, stream } from "./model-server.ts";
import { crossed, MESSAGE } from "./support.ts";

const TOOL = {
  name: "weather",
  description: "now",
  input_schema: { type: "object" as const, properties: { city: {} } },
};

describe("a client of Anthropic's family before a provider of OpenAI's", () => {
  test("whole answers: text, tools, usage, and the name that was asked for", async () => {
    const { anthropic, gpt } = await crossed(json(CHAT_WHOLE_TOOLS), json({}));
    const answer = await anthropic.messages.create(MESSAGE);
    expect(answer).toMatchObject({
      type: "message",
      model: "claude-x",
      stop_reason: "tool_use",
      content: [
        { type: "tool_use", id: "call_a", name: "weather", input: { city: "Ulm" } },
        { type: "tool_use", id: "call_b", name: "time", input: {} },
      ],
      usage: { input_tokens: 16, cache_read_input_tokens: 4, output_tokens: 7 },
    });
    expect(gpt.requests[0]).toMatchObject({
      path: "/v1/chat/completions",
      body: { model: "served-gpt", max_tokens: 64 },
    });
    gpt.reply = json(CHAT_WHOLE);
    expect((await anthropic.messages.create(MESSAGE)).content).toMatchObject([{ type: "text", text: "Hello, wörld" }]);
    const { max_tokens: _, ...counted } = MESSAGE;
    expect((await anthropic.messages.countTokens(counted)).input_tokens).toBeGreaterThan(5);
    expect(gpt.requests).toHaveLength(2);
  });

  test("answers in pieces: text and tools as the client's own helper puts them together", async () => {
    const { anthropic, records } = await crossed(stream(CHAT_TOOLS), json({}));
    const heard: string[] = [];
    const answer = await anthropic.messages
      .stream(MESSAGE)
      .on("contentBlock", ({ type }) => heard.push(type))
      .finalMessage();
    expect(heard).toEqual(["text", "tool_use", "tool_use"]);
    expect(answer).toMatchObject({
      stop_reason: "tool_use",
      content: [
        { type: "text", text: "I look." },
        { type: "tool_use", id: "call_a", name: "weather", input: { city: "Ulm" } },
        { type: "tool_use", id: "call_b", name: "time", input: {} },
      ],
      usage: { input_tokens: 16, output_tokens: 7 },
    });
    await expect.poll(() => records[0]?.usage).toEqual({ inputTokens: 20, outputTokens: 7, cachedTokens: 4 });
  });

  test("a conversation with system prompts, images, thoughts, tools and their results", () => {
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } };
    const said = messagesToChat(
      {
        model: "x",
        max_tokens: 9,
        system: [
          { type: "text", text: "be kind", cache_control: { type: "ephemeral" } },
          { type: "text", text: "be brief" },
        ],
        messages: [
          { role: "user", content: [{ type: "text", text: "look" }, image] },
          {
            role: "assistant",
            content: [
              { type: "thinking", thinking: "hm", signature: "x" },
              { type: "text", text: "I look." },
              { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Ulm" } },
            ],
          },
          {
            role: "user",
            content: [
              { type: "tool_result", tool_use_id: "toolu_1", content: [{ type: "text", text: "rain" }, image] },
              { type: "text", text: "and?" },
            ],
          },
        ],
        stop_sequences: ["END"],
        top_k: 5,
        thinking: { type: "enabled", budget_tokens: 1024 },
        metadata: { user_id: "someone" },
        tools: [TOOL],
        tool_choice: { type: "any", disable_parallel_tool_use: true },
        stream: true,
      },
      "served",
      "max_tokens",
    );
    const url = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
    expect(said).toEqual({
      model: "served",
      messages: [
        { role: "system", content: "be kind\nbe brief" },
        { role: "user", content: [{ type: "text", text: "look" }, url] },
        {
          role: "assistant",
          content: "I look.",
          tool_calls: [{ id: "toolu_1", type: "function", function: { name: "weather", arguments: '{"city":"Ulm"}' } }],
        },
        { role: "tool", tool_call_id: "toolu_1", content: "rain" },
        { role: "user", content: [url, { type: "text", text: "and?" }] },
      ],
      max_tokens: 9,
      stop: ["END"],
      stream: true,
      stream_options: { include_usage: true },
      tools: [{ type: "function", function: { name: "weather", description: "now", parameters: TOOL.input_schema } }],
      tool_choice: "required",
      parallel_tool_calls: false,
    });
  });

  test("a tool of the provider's own cannot be said", async () => {
    const { fetch, gpt } = await crossed(json(CHAT_WHOLE), json({}));
    const body = JSON.stringify({ ...MESSAGE, tools: [{ type: "web_search_20250305", name: "web_search" }] });
    const answer = await fetch("/v1/messages", { method: "POST", body });
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { type: "error", error: { type: "invalid_request_error" } },
    ]);
    expect(gpt.requests).toEqual([]);
  });

  test("servers that say stop, number nothing, and leave the last line out are understood", async () => {
    const call = (name: string) => ({ id: `id-${name}`, type: "function", function: { name, arguments: "{}" } });
    const text = [
      { choices: [{ delta: { reasoning_content: "hm" } }] },
      { choices: [{ delta: { tool_calls: [call("weather")] } }] },
      { choices: [{ delta: { tool_calls: [call("time")] } }] },
      { choices: [{ delta: {}, finish_reason: "stop" }] },
    ].map((each) => `data: ${JSON.stringify(each)}\n\n`);
    const { anthropic } = await crossed(stream(text.join("")), json({}));
    const answer = await anthropic.messages.stream(MESSAGE).finalMessage();
    expect(answer).toMatchObject({ stop_reason: "tool_use", content: [{ name: "weather" }, { name: "time" }] });
  });
});
