import { describe, expect, test } from "vitest";
import { allow, ask, deny, type Plugin, PluginRegistry } from "../../src/hooks/mod.ts";
import { answerJudge } from "../../src/sandbox/inference/answer-judge.ts";
import { CHAT_TOOLS, CHAT_WHOLE, chunks, events, MESSAGE_TOOLS, MESSAGE_WHOLE } from "./fixtures.ts";
import { either, json, stream } from "./model-server.ts";
import { bench, CHAT, MESSAGE, section, serve } from "./support.ts";

type Hooks = NonNullable<NonNullable<Plugin["hooks"]>["inference"]>;

/** A router whose answers go through the hooks of plugins a, b, and so on. */
async function heard(...hooks: readonly Hooks[]) {
  const plugins = hooks.map((inference, index): Plugin => ({ name: "abc"[index] ?? "z", hooks: { inference } }));
  const registry = await PluginRegistry.open(plugins, { sandbox: "s", approve: ({ reason }) => reason !== "no" });
  const servers = {
    gpt: await serve(either(CHAT_WHOLE, CHAT_TOOLS)),
    claude: await serve(either(MESSAGE_WHOLE, MESSAGE_TOOLS)),
  };
  const both = section(servers);
  const routes = [
    ...(both.routes ?? []),
    { id: "crossed", models: ["crossed"], provider: "claude" },
    { id: "plain", models: ["plain"], provider: "plain" },
  ];
  const providers = { ...both.providers, plain: { kind: "vllm", baseUrl: `${servers.gpt.url}/v1` } as const };
  const made = bench({ ...both, routes, providers }, { hears: answerJudge(registry) });
  const post = async (path: string, body: object) => {
    const answer = await made.fetch(path, { method: "POST", body: JSON.stringify(body) });
    return [answer.status, await answer.text()] as const;
  };
  return { ...made, ...servers, post };
}

const shout: Hooks = { chunk: ({ kind, text }) => (kind === "text" ? { text: text.toUpperCase() } : undefined) };

describe("inference.chunk", () => {
  test("sees the same pieces of either family, with what they are about", async () => {
    const seen: object[] = [];
    const { post } = await heard({ chunk: (chunk) => void seen.push({ ...chunk }) });
    const [, gpt] = await post("/v1/chat/completions", {
      ...CHAT,
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(gpt).toBe(CHAT_TOOLS);
    const about = { id: expect.any(String), endpoint: "chat", model: "gpt-x", provider: "gpt", local: true, pid: 7 };
    expect(seen[0]).toEqual({
      ...about,
      binary: "/usr/bin/agent",
      verdict: "allow",
      ruleId: "gpts",
      kind: "text",
      part: "0:content",
      text: "I look.",
    });
    const said = () => seen.splice(0).map((each) => Object.values(pick(each)));
    expect(said()).toEqual([
      ["text", "I look.", undefined],
      ["tool", '{"city":', "weather"],
      ["tool", '"Ulm"}', "weather"],
      ["tool", "{}", "time"],
    ]);
    const [, claude] = await post("/v1/messages", { ...MESSAGE, stream: true });
    expect(claude).toBe(MESSAGE_TOOLS);
    expect(said()).toEqual([
      ["thought", "hm", undefined],
      ["text", "I look.", undefined],
      ["tool", '{"city":', "weather"],
      ["tool", '"Ulm"}', "weather"],
    ]);
    // Translated ones are those of the provider.
    await post("/v1/chat/completions", { ...CHAT, model: "crossed", stream: true });
    expect(said()).toHaveLength(4);
  });

  test("changes pieces, one hook after the other, and leaves them out", async () => {
    const { anthropic, openai } = await heard(shout, {
      chunk: ({ kind, text, tool }) => {
        if (kind === "text") return { text: `${text}!` };
        return tool === "time" || kind === "thought" ? { text: "" } : undefined;
      },
    });
    const message = await anthropic.messages.stream(MESSAGE).finalMessage();
    expect(message.content).toMatchObject([
      { type: "thinking", thinking: "" },
      { type: "text", text: "I LOOK.!" },
      { type: "tool_use", input: { city: "Ulm" } },
      { type: "tool_use", input: {} },
    ]);
    for (const model of ["plain", "crossed"]) {
      const answer = await openai.responses.stream({ model, input: "hi" }).finalResponse();
      expect(answer.output_text).toBe("I LOOK.!");
    }
  });

  test("what the Responses API says again is what became of the pieces", async () => {
    const part = { type: "output_text", text: "hello", annotations: [] };
    const item = { id: "msg_1", type: "message", role: "assistant", status: "completed", content: [part] };
    const call = { id: "fc_1", type: "function_call", call_id: "c", name: "run", arguments: '{"a":1}' };
    const thought = { id: "rs_1", type: "reasoning", summary: [{ type: "summary_text", text: "secret" }] };
    const place = { item_id: "msg_1", output_index: 0, content_index: 0 };
    const told = events(
      { type: "response.created", response: { id: "r", output: [] } },
      { type: "response.output_item.added", output_index: 0, item: { ...item, content: [] } },
      { type: "response.output_text.delta", ...place, delta: "hel" },
      { type: "response.output_text.delta", ...place, delta: "lo" },
      { type: "response.output_text.done", ...place, text: "hello" },
      { type: "response.content_part.done", ...place, part },
      { type: "response.output_item.done", output_index: 0, item },
      { type: "response.output_item.added", output_index: 1, item: { ...call, arguments: "" } },
      { type: "response.function_call_arguments.delta", item_id: "fc_1", output_index: 1, delta: '{"a":1}' },
      { type: "response.function_call_arguments.done", item_id: "fc_1", output_index: 1, arguments: '{"a":1}' },
      { type: "response.output_item.done", output_index: 1, item: call },
      // Nothing of it came in pieces.
      { type: "response.output_item.done", output_index: 2, item: thought },
      { type: "response.completed", response: { id: "r", output: [item, call, thought] } },
    );
    const kinds: string[] = [];
    const { post, gpt } = await heard({
      chunk: ({ kind, text, tool }) => {
        kinds.push(`${kind} ${text} ${tool ?? ""}`);
        return { text: text.replaceAll(/[a-z]/g, "x") };
      },
    });
    gpt.reply = stream(told);
    const [, text] = await post("/v1/responses", { model: "gpt-x", input: "hi", stream: true });
    expect(kinds).toEqual(["text hel ", "text lo ", 'tool {"a":1} run', "thought secret "]);
    expect(text).not.toMatch(/hello|secret|"a"|\\"a/);
    expect(text.match(/"xxxxx"/g)).toHaveLength(4);
    expect(text.match(/"xxxxxx"/g)).toHaveLength(2);
  });

  test("what a hook holds of a part is said when the part is over, before anything else", async () => {
    const held = new Map<string, string>();
    const ends: string[] = [];
    const late: Hooks = {
      chunk: {
        ends: true,
        handler: ({ id, part, kind, text, end }) => {
          const all = (held.get(id + part) ?? "") + text;
          held.set(id + part, end ? "" : all);
          if (end) ends.push(kind);
          return { text: end ? all : "" };
        },
      },
    };
    // The one behind it hears no empty end, and what is said at an end as any other piece.
    const seen: string[] = [];
    const { openai, anthropic, post, gpt } = await heard(late, { chunk: ({ text }) => void seen.push(text) });
    const message = await anthropic.messages.stream(MESSAGE).finalMessage();
    expect(message.content).toMatchObject([
      { type: "thinking", thinking: "hm" },
      { type: "text", text: "I look." },
      { type: "tool_use", input: { city: "Ulm" } },
      { type: "tool_use", input: {} },
    ]);
    expect([ends.splice(0), seen.splice(0).filter(Boolean)]).toEqual([
      ["thought", "text", "tool"],
      ["hm", "I look.", '{"city":"Ulm"}'],
    ]);
    for (const model of ["gpt-x", "crossed"]) {
      const { choices } = await openai.chat.completions.stream({ ...CHAT, model }).finalChatCompletion();
      const { content, tool_calls: calls = [] } = choices[0]?.message ?? {};
      expect([content, ...calls.map((call) => "function" in call && call.function.arguments)]).toEqual([
        "I look.",
        '{"city":"Ulm"}',
        "{}",
      ]);
    }
    for (const model of ["plain", "crossed"]) {
      const answer = await openai.responses.stream({ model, input: "hi" }).finalResponse();
      expect([answer.output_text, answer.output[1]]).toMatchObject(["I look.", { arguments: '{"city":"Ulm"}' }]);
    }
    // Everything at once, as some servers say it: the end of one part comes before the next one begins.
    const tool_calls = [{ index: 0, id: "call_a", type: "function", function: { name: "weather", arguments: "{}" } }];
    const delta = { role: "assistant", content: "all", tool_calls };
    gpt.reply = stream(chunks({ choices: [{ index: 0, delta, finish_reason: "tool_calls" }] }));
    const [, text] = await post("/v1/responses", { model: "plain", input: "hi", stream: true });
    expect(text).toMatch(/"delta":"all"[\s\S]*"delta":"\{\}"[\s\S]*response\.completed/);
  });

  test("the Responses API keeps its numbers where something is said that was held", async () => {
    const place = { item_id: "msg_1", output_index: 0, content_index: 0 };
    const told = [
      { type: "response.output_text.delta", ...place, delta: "hel" },
      { type: "response.output_text.delta", ...place, delta: "lo" },
      { type: "response.output_text.done", ...place, text: "hello" },
      { type: "response.output_item.done", output_index: 1, item: { type: "message", content: [{ text: "whole" }] } },
      { type: "response.completed", response: { id: "r", output: [] } },
    ].map((each, sequence_number) => ({ ...each, sequence_number }));
    let all = "";
    const { post, gpt } = await heard({
      chunk: {
        ends: true,
        handler: ({ text, end }) => {
          all += text;
          return { text: end ? `${all}!` : "" };
        },
      },
    });
    gpt.reply = stream(events(...told));
    const [, text] = await post("/v1/responses", { model: "gpt-x", input: "hi", stream: true });
    const said = text.split("\n\n").flatMap((event) => /^data: (.*)$/m.exec(event)?.[1] ?? []);
    const parsed = said.map((each) => JSON.parse(each));
    expect(parsed.map(({ sequence_number }) => sequence_number)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(parsed[2]).toMatchObject({ type: "response.output_text.delta", delta: "hello!", content_index: 0 });
    expect(parsed[3]).toMatchObject({ type: "response.output_text.done", text: "hello!" });
    expect(parsed[4].item.content[0].text).toBe("hellowhole!");
  });

  test("text that comes where nobody expects it is seen all the same", async () => {
    const { post, gpt, claude } = await heard(shout);
    gpt.reply = stream(
      chunks(
        { choices: [{ index: 0, delta: { content: [{ type: "text", text: "parts" }], refusal: "never" } }] },
        { choices: [{ index: 0, message: { content: "whole" }, text: "old", finish_reason: "stop" }] },
      ),
    );
    expect((await post("/v1/chat/completions", { ...CHAT, stream: true }))[1]).toMatch(
      /PARTS.*NEVER.*\n\n.*WHOLE.*OLD/,
    );
    claude.reply = stream(
      events(
        { type: "message_start", message: { content: [{ type: "text", text: "early" }], usage: {} } },
        { type: "content_block_start", index: 0, content_block: { type: "text", text: "at once" } },
        { type: "message_stop" },
      ),
    );
    expect((await post("/v1/messages", { ...MESSAGE, stream: true }))[1]).toMatch(/EARLY[\s\S]*AT ONCE/);
  });

  test.each<[string, NonNullable<Hooks["chunk"]>, string]>([
    ["denies", ({ text }) => (text === "I look." ? undefined : deny("not that")), "not that"],
    ["is asked about, with a no", ({ text }) => (text === "I look." ? undefined : ask("no")), "not approved"],
    [
      "throws",
      ({ text }) => {
        if (text !== "I look.") throw new Error("broken");
        return undefined;
      },
      "it threw",
    ],
    ["answers nonsense", ({ text }) => (text === "I look." ? undefined : ({ text: 5 } as never)), "it threw"],
    [
      "takes too long",
      { handler: ({ text }) => (text === "I look." ? undefined : new Promise(() => undefined)), timeoutMs: 20 },
      "too long",
    ],
  ])("a piece that a hook %s ends the answer, as an error of the client's own", async (_, chunk, reason) => {
    const { post, records } = await heard({ chunk });
    const [, gpt] = await post("/v1/chat/completions", { ...CHAT, stream: true });
    const [, claude] = await post("/v1/messages", { ...MESSAGE, stream: true });
    const [, response] = await post("/v1/responses", { model: "plain", input: "hi", stream: true });
    expect(gpt).toMatch(/I look\.[\s\S]*data: \{"error":\{"message":"The answer was denied/);
    expect(claude).toMatch(/event: error\ndata: \{"type":"error","error":\{"type":"permission_error"/);
    expect(response).toMatch(/"type":"response.failed"/);
    expect(gpt + claude + response).not.toContain("Ulm");
    expect(gpt).toContain(reason);
    await expect.poll(() => records.length).toBe(3);
    expect(records[0]).toMatchObject({
      failure: { kind: "denied" },
      decided: { verdict: "deny" },
      usage: { estimated: true },
    });
  });

  test("only of calls that its filters mean, and a yes changes nothing", async () => {
    const { post } = await heard(
      { chunk: { handler: () => deny("meant"), models: ["claude-*"] } },
      { chunk: () => allow() },
    );
    const [, gpt] = await post("/v1/chat/completions", { ...CHAT, stream: true });
    expect(gpt).toContain("[DONE]");
    expect((await post("/v1/messages", { ...MESSAGE, stream: true }))[1]).toContain("meant");
  });
});

describe("inference.response", () => {
  test("sees a whole answer as the client's API has it, and gives another one", async () => {
    const seen: unknown[] = [];
    const { openai, anthropic, records } = await heard(
      {
        response: ({ body, provider }) => {
          seen.push(provider);
          return { body: JSON.parse(JSON.stringify(body).replaceAll("Hello", "Bye")) };
        },
      },
      { response: ({ body }) => void seen.push(JSON.stringify(body).includes("Bye")), ...shout },
    );
    expect((await openai.chat.completions.create(CHAT)).choices[0]?.message.content).toBe("Bye, wörld");
    expect((await openai.chat.completions.create({ ...CHAT, model: "crossed" })).choices[0]?.message.content).toBe(
      "Bye, wörld",
    );
    expect((await anthropic.messages.create(MESSAGE)).content).toMatchObject([{ text: "Bye, wörld" }]);
    expect(seen).toEqual(["gpt", true, "claude", true, "claude", true]);
    expect(records.map(({ usage }) => usage.outputTokens)).toEqual([7, 7, 7]);
  });

  test.each<[string, NonNullable<Hooks["response"]>]>([
    ["denies", () => deny("not that")],
    ["gives a body that is none", () => ({ body: "x" }) as never],
    ["asks, and hears a no", () => ask("no")],
  ])("an answer that a hook %s reaches nobody, and is paid for", async (_, response) => {
    const { post, records } = await heard({ response });
    const [status, text] = await post("/v1/chat/completions", CHAT);
    expect([status, text]).toEqual([403, expect.stringContaining("The answer was denied")]);
    expect(text).not.toContain("Hello");
    expect(records).toMatchObject([{ failure: { kind: "denied" }, usage: { inputTokens: 20, outputTokens: 7 } }]);
  });

  test("nobody hears an answer that is no success", async () => {
    const { post, gpt } = await heard({ response: () => deny("heard"), chunk: () => deny("heard") });
    gpt.reply = json({ error: { message: "later" } }, 429);
    expect((await post("/v1/chat/completions", CHAT))[1]).not.toContain("heard");
  });
});

function pick(chunk: object): object {
  const { kind, text, tool } = chunk as { readonly kind: string; readonly text: string; readonly tool?: string };
  return { kind, text, tool };
}
