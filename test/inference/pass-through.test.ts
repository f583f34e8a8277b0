import { describe, expect, test } from "vitest";
import { streamOf } from "../../src/egress/http/streamed-response.ts";
import { CHAT_TEXT, CHAT_TOOLS, CHAT_WHOLE, MESSAGE_TEXT, MESSAGE_TOOLS, MESSAGE_WHOLE } from "./fixtures.ts";
import { either, json } from "./model-server.ts";
import { bench, CHAT, MESSAGE, section, serve } from "./support.ts";

describe("calls to a provider of the client's own family", () => {
  test("the official OpenAI client gets a whole answer, and the provider the host's key", async () => {
    const gpt = await serve(either(CHAT_WHOLE, CHAT_TEXT));
    const { openai, records } = bench(section({ gpt }));
    const answer = await openai.chat.completions.create(CHAT, {
      headers: { "x-unknown": "leak", cookie: "a=b", "openai-beta": "x=v1", "anthropic-beta": "no" },
    });
    expect(answer.choices[0]?.message.content).toBe("Hello, wörld");
    const [request] = gpt.requests;
    expect(request).toMatchObject({ method: "POST", path: "/v1/chat/completions", body: CHAT });
    expect(request?.headers).toMatchObject({ authorization: "Bearer sk-host-openai", "openai-beta": "x=v1" });
    expect(Object.keys(request?.headers ?? {}).sort()).toEqual(
      "accept,accept-encoding,authorization,connection,content-length,content-type,host,openai-beta,user-agent".split(
        ",",
      ),
    );
    expect(records).toMatchObject([
      {
        endpoint: "chat",
        model: "gpt-x",
        route: { id: "gpts" },
        target: { provider: { name: "gpt" } },
        usage: { inputTokens: 20, outputTokens: 7, cachedTokens: 4 },
      },
    ]);
    expect(JSON.stringify(records)).not.toMatch(/Hello|sk-host/);
  });

  test("streams with tools arrive as they were sent, and are counted though nobody asked for it", async () => {
    const gpt = await serve(either(CHAT_WHOLE, CHAT_TOOLS));
    const { openai, records, fetch } = bench(section({ gpt }));
    const calls: string[] = [];
    const seen: unknown[] = [];
    for await (const chunk of await openai.chat.completions.create({ ...CHAT, stream: true })) {
      seen.push(chunk.usage);
      for (const call of chunk.choices[0]?.delta.tool_calls ?? []) calls.push(call.function?.arguments ?? "");
    }
    expect(calls.join("")).toBe('{"city":"Ulm"}{}');
    expect(seen).toHaveLength(6);
    expect(gpt.requests[0]?.body).toEqual({ ...CHAT, stream: true, stream_options: { include_usage: true } });
    await expect.poll(() => records[0]?.usage).toEqual({ inputTokens: 20, outputTokens: 7, cachedTokens: 4 });
    const body = JSON.stringify({ ...CHAT, stream: true, stream_options: { include_usage: true } });
    expect(await (await fetch("/v1/chat/completions", { method: "POST", body })).text()).toBe(CHAT_TOOLS);
  });

  test("the official Anthropic client streams with tools; version and beta are its own, the key is not", async () => {
    const claude = await serve(either(MESSAGE_WHOLE, MESSAGE_TOOLS));
    const { anthropic, records } = bench(section({ claude }));
    const answer = await anthropic.messages.stream(MESSAGE, { headers: { "anthropic-beta": "a-2,b" } }).finalMessage();
    expect(answer.content).toMatchObject([
      { type: "thinking" },
      { type: "text", text: "I look." },
      { type: "tool_use", id: "toolu_a", name: "weather", input: { city: "Ulm" } },
      { type: "tool_use", id: "toolu_b", name: "time", input: {} },
    ]);
    expect(claude.requests[0]).toMatchObject({
      path: "/v1/messages",
      headers: {
        "x-api-key": "sk-ant-host",
        "anthropic-version": expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
        "anthropic-beta": "a-2,b",
      },
    });
    expect(claude.requests[0]?.headers.authorization).toBeUndefined();
    await expect
      .poll(() => records[0])
      .toMatchObject({ model: "claude-x", usage: { inputTokens: 20, outputTokens: 7, cachedTokens: 4 } });
  });

  test("a whole message, and counting tokens, which uses none", async () => {
    const claude = await serve((request, response) =>
      json(request.path.endsWith("count_tokens") ? { input_tokens: 12 } : MESSAGE_WHOLE)(request, response),
    );
    const { anthropic, records } = bench(section({ claude }));
    expect((await anthropic.messages.create(MESSAGE)).content).toMatchObject([{ text: "Hello, wörld" }]);
    const { max_tokens: _, ...counted } = MESSAGE;
    expect((await anthropic.messages.countTokens(counted)).input_tokens).toBe(12);
    expect(records.map(({ endpoint, usage }) => [endpoint, usage.inputTokens])).toEqual([
      ["messages", 20],
      ["count_tokens", 0],
    ]);
  });

  test("responses, completions, embeddings and models", async () => {
    const done = {
      id: "r",
      object: "response",
      status: "completed",
      output: [],
      usage: { input_tokens: 3, output_tokens: 2 },
    };
    const events = [
      { type: "response.created", sequence_number: 0, response: { ...done, status: "in_progress" } },
      { type: "response.completed", sequence_number: 1, response: done },
    ];
    const gpt = await serve((request, response) => {
      const { path, body } = request;
      if (path === "/v1/models") return json({ data: [{ id: "gpt-a" }, { id: "other" }] })(request, response);
      if (path === "/v1/embeddings") {
        return json({ data: [{ embedding: [0.5], index: 0 }], usage: { prompt_tokens: 5 } })(request, response);
      }
      if (path === "/v1/completions") {
        return json({
          choices: [{ text: "x", finish_reason: "stop" }],
          usage: { prompt_tokens: 1, completion_tokens: 1 },
        })(request, response);
      }
      const text = events.map((each) => `event: ${each.type}\ndata: ${JSON.stringify(each)}\n\n`).join("");
      return either(done, text)({ ...request, body }, response);
    });
    const { openai, fetch, records } = bench(section({ gpt }));
    expect((await openai.responses.create({ model: "gpt-x", input: "hi" })).status).toBe("completed");
    const types: string[] = [];
    for await (const event of await openai.responses.create({ model: "gpt-x", input: "hi", stream: true })) {
      types.push(event.type);
    }
    expect(types).toEqual(["response.created", "response.completed"]);
    const embedding = await openai.embeddings.create({ model: "embed-x", input: "hi", encoding_format: "float" });
    expect(embedding.data[0]?.embedding).toEqual([0.5]);
    expect((await openai.completions.create({ model: "gpt-x", prompt: "hi" })).choices[0]?.text).toBe("x");
    expect((await openai.models.list()).data.map(({ id }) => id)).toEqual(["gpt-a"]);
    expect((await openai.models.retrieve("gpt-b")).id).toBe("gpt-b");
    const listed = await fetch("/v1/models", { headers: { "anthropic-version": "2023-06-01" } });
    expect(await listed.json()).toMatchObject({ data: [{ type: "model", id: "gpt-a" }], has_more: false });
    expect((await fetch("/v1/models/nobody")).status).toBe(404);
    await expect.poll(() => records.map(({ usage }) => usage.inputTokens)).toEqual([3, 3, 5, 1]);
  });
});

describe("streams", () => {
  test("pieces arrive as they are sent, as fast as the client reads, and the provider hears that it is gone", async () => {
    let more: (text: string) => boolean = () => false;
    let isOver = false;
    const claude = await serve((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      more = (text) => response.write(text);
      response.once("close", () => {
        isOver = true;
      });
    });
    const { fetch, records } = bench(section({ claude }));
    const body = JSON.stringify({ ...MESSAGE, stream: true });
    const answer = await fetch("/v1/messages", { method: "POST", body });
    // Whoever serves it needs no stream of the web.
    expect(streamOf(answer)).toBeDefined();
    const reader = answer.body?.getReader();
    more(MESSAGE_TEXT.slice(0, MESSAGE_TEXT.indexOf("\n\n", 500) + 2));
    const first = new TextDecoder().decode((await reader?.read())?.value);
    expect(MESSAGE_TEXT.startsWith(first)).toBe(true);
    const ping = `event: ping\ndata: {"type":"ping","pad":"${"x".repeat(100_000)}"}\n\n`;
    let written = 0;
    while (more(ping) && written < 1000) written++;
    await new Promise((resolve) => setTimeout(resolve, 50));
    let drained = 0;
    while (more(ping) && drained < 1000) drained++;
    // Nobody reads, so the socket fills up.
    expect(drained).toBeLessThan(1000);
    await reader?.cancel();
    await expect.poll(() => isOver).toBe(true);
    await expect.poll(() => records[0]?.failure?.message).toMatch(/client went away/);
    expect(records[0]?.usage.estimated).toBe(true);
  });
});
