import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { CHAT_TEXT, CHAT_WHOLE, MESSAGE_TEXT, MESSAGE_WHOLE } from "./fixtures.ts";
import { json, stream } from "./model-server.ts";
import { bench, CHAT, MESSAGE, section, serve } from "./support.ts";

const post = (body: unknown): RequestInit => ({
  method: "POST",
  body: typeof body === "string" ? body : JSON.stringify(body),
});

describe("what the router refuses", () => {
  test("a model that no route takes, in the words of each family, which its client does not try again", async () => {
    const gpt = await serve(json(CHAT_WHOLE));
    const { openai, anthropic, fetch, records } = bench(section({ gpt }));
    const chat = await openai.chat.completions.create({ ...CHAT, model: "o9" }, { maxRetries: 3 }).catch((e) => e);
    expect(chat).toBeInstanceOf(OpenAI.PermissionDeniedError);
    expect(chat).toMatchObject({ status: 403, code: "model_not_found", type: "invalid_request_error" });
    expect(chat.message).toMatch(/no route for the model "o9": its routes are for gpt-\*, embed-\*/);
    const message = await anthropic.messages.create(MESSAGE, { maxRetries: 3 }).catch((e) => e);
    expect(message).toBeInstanceOf(Anthropic.PermissionDeniedError);
    expect(message.error).toMatchObject({ type: "error", error: { type: "permission_error" } });
    const answer = await fetch("/v1/messages", post(MESSAGE));
    expect(answer.headers.get("x-should-retry")).toBe("false");
    expect(records).toHaveLength(3);
    expect(records[0]).toMatchObject({ model: "o9", failure: { kind: "denied" }, usage: { inputTokens: 0 } });
    expect(gpt.requests).toEqual([]);
  });

  test.each<[string, unknown, number]>([
    ["no JSON", "{", 400],
    ["no object", "[]", 400],
    ["no model", { messages: [] }, 400],
    ["a model that is no text", { model: ["gpt-x"] }, 400],
    ["a model with control characters", { model: "gpt-\n" }, 400],
    ["a long model", { model: `gpt-${"x".repeat(300)}` }, 400],
    ["a long body", { model: "gpt-x", pad: "x".repeat(33 * 1024 * 1024) }, 413],
  ])("%s", async (_, body, status) => {
    const gpt = await serve(json(CHAT_WHOLE));
    const { fetch } = bench(section({ gpt }));
    const answer = await fetch("/v1/chat/completions", post(body));
    expect([answer.status, gpt.requests.length]).toEqual([status, 0]);
    expect(await answer.json()).toMatchObject({ error: { message: expect.any(String), type: expect.any(String) } });
  });

  test("a path that is no API, in the words of whoever asks", async () => {
    const { fetch } = bench(section({ gpt: await serve(json({})) }));
    expect(await (await fetch("/v1/files")).json()).toMatchObject({ error: { code: "not_found" } });
    const asked = await fetch("/v1/files", { headers: { "anthropic-version": "2023-06-01" } });
    expect([asked.status, await asked.json()]).toMatchObject([
      404,
      { type: "error", error: { type: "not_found_error" } },
    ]);
  });

  test("a body with two models is the one that was judged", async () => {
    const gpt = await serve(json(CHAT_WHOLE));
    const { fetch } = bench(section({ gpt }));
    await fetch("/v1/chat/completions", post('{"model":"o9","model":"gpt-x","__proto__":{"model":"o9"}}'));
    expect(gpt.requests[0]?.body.model).toBe("gpt-x");
  });
});

describe("providers that fail", () => {
  test.each([400, 404, 422, 429, 500, 503, 529])("status %d reaches each client as its own error", async (status) => {
    const gpt = await serve(
      json({ error: { message: "no sk-host-openai", type: "their_type", code: "their_code" } }, status, {
        "retry-after": "7",
        "set-cookie": "a=b",
        "openai-organization": "the owner's",
      }),
    );
    const claude = await serve(json({ type: "error", error: { type: "their_type", message: "no" } }, status));
    const { openai, anthropic, fetch } = bench(section({ gpt, claude }));
    const chat = await openai.chat.completions.create(CHAT).catch((e) => e);
    expect(chat).toMatchObject({ status, code: "their_code", type: "their_type" });
    expect(chat.message).toContain("gpt: no [key]");
    const message = await anthropic.messages.create(MESSAGE).catch((e) => e);
    expect(message).toMatchObject({
      status,
      error: { type: "error", error: { type: "their_type", message: "claude: no" } },
    });
    const { headers } = await fetch("/v1/chat/completions", post(CHAT));
    expect([headers.get("retry-after"), headers.get("set-cookie"), headers.get("openai-organization")]).toEqual([
      "7",
      null,
      null,
    ]);
  });

  test.each([401, 403])("status %d says that the host's key is refused, and nothing of it", async (status) => {
    const gpt = await serve(json({ error: { message: "Incorrect API key provided: sk-h****enai" } }, status));
    const { openai, records } = bench(section({ gpt }));
    const error = await openai.chat.completions.create(CHAT).catch((e) => e);
    expect(error).toMatchObject({ status: 403, code: "provider_refused" });
    expect(error.message).not.toContain("sk-h");
    expect(records[0]?.failure?.kind).toBe("refused");
  });

  test("a provider that says the host's key again does not say it to the sandbox", async () => {
    const key = "sk-host-openai";
    const echo = { ...CHAT_WHOLE, echo: key, encoded: Buffer.from(`Bearer ${key}`).toString("base64") };
    const gpt = await serve((request, response) => {
      const isStream = request.body.stream === true;
      const type = isStream ? "text/event-stream" : "application/json";
      response.writeHead(200, { "content-type": type, "x-request-id": key });
      response.end(isStream ? `data: {"error":{"message":"you sent ${key}"}}\n\n` : JSON.stringify(echo));
    });
    const { fetch } = bench(section({ gpt }));
    for (const stream of [false, true]) {
      const response = await fetch("/v1/chat/completions", post({ ...CHAT, stream }));
      const said = JSON.stringify([...response.headers]) + (await response.text());
      expect(gpt.requests.at(-1)?.headers.authorization).toBe(`Bearer ${key}`);
      expect(said).not.toContain(key);
      expect(said).not.toContain(Buffer.from(key).toString("base64").slice(0, 12));
    }
  });

  test.each([{ models: ["o9"] }, { fallbacks: [{ model: "o9" }] }, { route: "fallback" }, { background: true }])(
    "%j gets around no route and no budget",
    async (detour) => {
      const gpt = await serve(json(CHAT_WHOLE));
      const { fetch } = bench(section({ gpt }));
      for (const path of ["/v1/chat/completions", "/v1/responses"]) {
        expect((await fetch(path, post({ ...CHAT, input: "x", ...detour }))).status).toBe(403);
      }
      expect(gpt.requests).toEqual([]);
      expect((await fetch("/v1/chat/completions", post({ ...CHAT, background: false }))).status).toBe(200);
    },
  );

  test("a provider is asked for its models once in a while, however often a program asks", async () => {
    const gpt = await serve(json({ object: "list", data: [{ id: "gpt-5" }] }));
    const { fetch } = bench(section({ gpt }));
    for (let turn = 0; turn < 5; turn++) expect(await (await fetch("/v1/models")).text()).toContain("gpt-5");
    expect(gpt.requests).toHaveLength(1);
  });

  test("a body of many small things counts for what it takes", async () => {
    const gpt = await serve(() => undefined);
    const { fetch } = bench(section({ gpt }));
    const controller = new AbortController();
    const body = `{"model":"gpt-x","messages":[${"{},".repeat(1_500_000)}{}]}`;
    const asked = [0, 1, 2, 3].map(() =>
      fetch("/v1/chat/completions", { ...post(""), body, signal: controller.signal }).then(({ status }) => status),
    );
    expect(await Promise.any(asked)).toBe(429);
    controller.abort();
    await Promise.allSettled(asked);
  });

  test("a key is not sent in clear, whoever gave it", async () => {
    const remote = { kind: "openai", baseUrl: "HTTP://models.example.com/v1" } as const;
    const routes = [{ id: "it", models: ["gpt-*"], provider: "far" }];
    const { openai } = bench({ routes, providers: { far: remote } }, { keyFor: async () => "sk-given-by-the-owner" });
    const error = await openai.chat.completions.create(CHAT).catch((e) => e);
    expect(error.message).toMatch(/would go in clear/);
  });

  test("no key, no server, no answer, no JSON, no end", async () => {
    const gpt = await serve(json(CHAT_WHOLE));
    const keyless = bench(section({ gpt }), { keyFor: async () => undefined });
    expect((await keyless.openai.chat.completions.create(CHAT).catch((e) => e)).message).toMatch(/no key .* GPT_KEY/);
    expect(gpt.requests).toEqual([]);

    const here = section({ gpt });
    const gone = bench({ ...here, providers: { gpt: { kind: "openai", baseUrl: "http://127.0.0.1:1/v1" } } });
    const refused = await gone.openai.chat.completions.create(CHAT).catch((e) => e);
    expect(refused).toMatchObject({ status: 502, code: "provider_unreachable" });

    const [route] = here.routes ?? [];
    const hasty = bench({ ...here, routes: [{ ...route, models: ["gpt-*"], provider: "gpt", timeoutMs: 50 }] });
    gpt.reply = () => undefined;
    expect(await hasty.openai.chat.completions.create(CHAT).catch((e) => e)).toMatchObject({ status: 504 });
    gpt.reply = (_, response) => response.writeHead(200, { "content-type": "application/json" }).write('{"id":');
    expect(await hasty.openai.chat.completions.create(CHAT).catch((e) => e)).toMatchObject({ status: 504 });
    const patient = bench(here);
    gpt.reply = (_, response) => response.writeHead(200, { "content-type": "application/json" }).end('{"id":');
    expect(await patient.openai.chat.completions.create(CHAT).catch((e) => e)).toMatchObject({ status: 502 });
    gpt.reply = (_, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "100" }).write('{"id":');
      setTimeout(() => response.destroy(), 20);
    };
    expect(await patient.openai.chat.completions.create(CHAT).catch((e) => e)).toMatchObject({ status: 502 });
    gpt.reply = json(CHAT_WHOLE);
    const streamed = await patient.openai.chat.completions.create({ ...CHAT, stream: true }).catch((e) => e);
    expect(streamed.message).toMatch(/without a stream/);
  });

  test("a redirect of a provider is not followed", async () => {
    const other = await serve(json(CHAT_WHOLE));
    const gpt = await serve((_, response) => response.writeHead(307, { location: other.url }).end());
    const { openai } = bench(section({ gpt }));
    expect(await openai.chat.completions.create(CHAT).catch((e) => e)).toMatchObject({ status: 502 });
    expect(other.requests).toEqual([]);
  });
});

const CHAT_HALF = CHAT_TEXT.slice(0, CHAT_TEXT.indexOf(", wörld"));
const MESSAGE_HALF = MESSAGE_TEXT.slice(0, MESSAGE_TEXT.indexOf("event: content_block_stop"));

describe("streams that go wrong in the middle", () => {
  const spoil: [string, (text: string) => Parameters<typeof serve>[0]][] = [
    ["end too early", (text) => stream(text)],
    ["are no JSON", (text) => stream(`${text}\n\ndata: {"a\n\n`)],
    [
      "are no UTF-8",
      (text) => (_, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" }).write(text);
        setTimeout(() => response.end(Buffer.from("\n\ndata: \xff\n\n", "latin1")), 20);
      },
    ],
    [
      "break off",
      (text) => (_, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" }).write(text);
        setTimeout(() => response.destroy(), 20);
      },
    ],
    [
      "say nothing any more",
      (text) => (_, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" }).write(text);
      },
    ],
  ];
  test.each(spoil)("%s: each client hears of it as an error of its own", async (_, reply) => {
    const gpt = await serve(reply(CHAT_HALF));
    const claude = await serve(reply(MESSAGE_HALF));
    const both = section({ gpt, claude });
    const { openai, anthropic, records } = bench({
      ...both,
      routes: both.routes?.map((route) => ({ ...route, timeoutMs: 3000 })) ?? [],
    });
    const heard: string[] = [];
    const chat = await (async () => {
      for await (const chunk of await openai.chat.completions.create({ ...CHAT, stream: true })) {
        heard.push(chunk.choices[0]?.delta.content ?? "");
      }
    })().catch((e) => e);
    expect(heard.join("")).toBe("Hello");
    expect(chat).toBeInstanceOf(OpenAI.APIError);
    const message = await anthropic.messages
      .stream(MESSAGE)
      .finalMessage()
      .catch((e) => e);
    expect(message).toBeInstanceOf(Anthropic.APIError);
    await expect.poll(() => records.map(({ failure }) => failure !== undefined)).toEqual([true, true]);
    expect(records[1]?.usage).toMatchObject({ inputTokens: 20, estimated: true });
  });
});

describe("fallbacks", () => {
  test("the next provider is asked where one fails in passing, and it is recorded who failed", async () => {
    const gpt = await serve(json({ error: { message: "later" } }, 503));
    const spare = await serve(json(CHAT_WHOLE));
    const { routes, providers } = section({ gpt });
    const inference = {
      routes: [{ models: ["gpt-*"], provider: "gpt", fallbacks: [{ provider: "spare", model: "spare-1" }] }],
      providers: { ...providers, spare: { kind: "vllm", baseUrl: `${spare.url}/v1` } as const },
    };
    expect(routes).toHaveLength(1);
    const { openai, records } = bench(inference);
    expect((await openai.chat.completions.create(CHAT)).choices[0]?.message.content).toBe("Hello, wörld");
    expect(spare.requests[0]?.body.model).toBe("spare-1");
    expect(spare.requests[0]?.headers.authorization).toBeUndefined();
    expect(records).toMatchObject([
      { failed: ["gpt: later"], target: { provider: { name: "spare" }, model: "spare-1" } },
    ]);
    gpt.reply = json({ error: { message: "bad" } }, 400);
    expect(await openai.chat.completions.create(CHAT).catch((e) => e)).toMatchObject({ status: 400 });
    expect(spare.requests).toHaveLength(1);
  });
});

describe("another policy", () => {
  test("ends the calls that it would not send where they went, and no others", async () => {
    const held: ((text: string) => void)[] = [];
    const reply: Parameters<typeof serve>[0] = (request, response) => {
      if (request.body.stream !== true)
        return json(request.path === "/v1/messages" ? MESSAGE_WHOLE : CHAT_WHOLE)(request, response);
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      held.push((text) => response.end(text));
    };
    const gpt = await serve(reply);
    const claude = await serve(reply);
    const { fetch, setPolicy } = bench(section({ gpt, claude }));
    const chat = await fetch("/v1/chat/completions", post({ ...CHAT, stream: true }));
    const message = await fetch("/v1/messages", post({ ...MESSAGE, stream: true }));
    setPolicy(section({ claude }));
    expect(await chat.text()).toMatch(/^data: \{"error":\{"message":"The policy was changed/);
    held[1]?.(MESSAGE_TEXT);
    expect(await message.text()).toBe(MESSAGE_TEXT);
    expect((await fetch("/v1/chat/completions", post(CHAT))).status).toBe(403);
  });
});
