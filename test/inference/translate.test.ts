import { describe, expect, test } from "vitest";
import { chatToMessages } from "../../src/domains/inference/translate/chat-request.ts";
import { messagesToChat } from "../../src/domains/inference/translate/message-request.ts";
import {
  CHAT_TEXT,
  CHAT_TOOLS,
  CHAT_WHOLE,
  CHAT_WHOLE_TOOLS,
  MESSAGE_TEXT,
  MESSAGE_TOOLS,
  MESSAGE_WHOLE,
  MESSAGE_WHOLE_TOOLS,
} from "./fixtures.ts";
import { either, json, stream } from "./model-server.ts";
import { bench, CHAT, MESSAGE, section, serve } from "./support.ts";

const TOOL = {
  name: "weather",
  description: "now",
  input_schema: { type: "object" as const, properties: { city: {} } },
};

/** Each client's models lead to the other family. */
async function crossed(gpt: Parameters<typeof serve>[0], claude: Parameters<typeof serve>[0]) {
  const servers = { gpt: await serve(gpt), claude: await serve(claude) };
  const { providers = {} } = section(servers);
  const routes = [
    { models: ["gpt-*"], provider: "claude", model: "served-claude" },
    { models: ["claude-*"], provider: "gpt", model: "served-gpt" },
  ];
  return { ...servers, ...bench({ routes, providers }) };
}

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

describe("errors through translation", () => {
  test.each([429, 500])("status %d is told in the client's own words", async (status) => {
    const theirs = json({ type: "error", error: { type: "overloaded_error", message: "too much" } }, status);
    const { openai, anthropic } = await crossed(
      json({ error: { message: "too much", type: "server" } }, status),
      theirs,
    );
    const chat = await openai.chat.completions.create(CHAT).catch((e) => e);
    expect(chat).toMatchObject({ status, message: expect.stringContaining("claude: too much") });
    expect(["requests", "server_error"]).toContain(chat.type);
    const message = await anthropic.messages.create(MESSAGE).catch((e) => e);
    expect(message.error).toMatchObject({ type: "error", error: { message: "gpt: too much" } });
    expect(["rate_limit_error", "api_error"]).toContain(message.error.error.type);
  });

  test("an error in the middle of a stream, and a stream that is cut short", async () => {
    const overloaded =
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"too much"}}\n\n';
    const half = MESSAGE_TEXT.slice(0, MESSAGE_TEXT.indexOf("event: content_block_stop"));
    const { openai, anthropic, gpt, claude } = await crossed(
      stream(`${CHAT_TEXT.split("\n\n").slice(0, 2).join("\n\n")}\n\ndata: {"error":{"message":"too much"}}\n\n`),
      stream(half + overloaded),
    );
    const chat = () =>
      openai.chat.completions
        .stream(CHAT)
        .finalChatCompletion()
        .catch((e) => e.message);
    const message = () =>
      anthropic.messages
        .stream(MESSAGE)
        .finalMessage()
        .catch((e) => e.message);
    expect(await chat()).toContain("too much");
    expect(await message()).toContain("too much");
    claude.reply = stream(half);
    gpt.reply = stream(CHAT_TEXT.split("\n\n").slice(0, 2).join("\n\n"));
    expect(await chat()).toContain("cut short");
    expect(await message()).toContain("cut short");
  });
});
