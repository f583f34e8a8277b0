import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { type BudgetNotice, PriceTable } from "../../src/domains/inference/mod.ts";
import type { InferenceBudget } from "../../src/policy/mod.ts";
import { findProvider } from "../../src/policy/providers/read.ts";
import { CHAT_TEXT, CHAT_WHOLE, MESSAGE_WHOLE } from "./fixtures.ts";
import { either, json } from "./model-server.ts";
import { bench, CHAT, MESSAGE, section, serve } from "./support.ts";

/** A call of the fixtures takes 27 tokens. */
async function spending(budget: InferenceBudget) {
  const gpt = await serve(either(CHAT_WHOLE, CHAT_TEXT));
  const claude = await serve(json(MESSAGE_WHOLE));
  const notices: BudgetNotice[] = [];
  const prices = [{ models: ["gpt-*"], provider: "gpt", input: 1_000_000, output: 2_000_000, cachedInput: 0 }];
  const made = bench(
    { ...section({ gpt, claude }), budget },
    { prices, onBudget: (notice) => void notices.push(notice) },
  );
  const post = (path: string, body: object) => made.fetch(path, { method: "POST", body: JSON.stringify(body) });
  return { ...made, gpt, claude, notices, post };
}

describe("budgets", () => {
  test("of tokens: a warning near the end, then an error that no client tries again", async () => {
    const { post, openai, anthropic, notices, gpt, records } = await spending({ tokens: 60 });
    expect((await post("/v1/chat/completions", CHAT)).headers.get("x-cofferdam-budget")).toBeNull();
    expect(notices).toEqual([]);
    await (await post("/v1/chat/completions", { ...CHAT, stream: true })).text();
    await expect.poll(() => notices).toEqual([{ limit: "tokens", used: 54, of: 60, state: "near" }]);
    const warned = await post("/v1/messages", MESSAGE);
    expect([warned.status, warned.headers.get("x-cofferdam-budget")]).toEqual([
      200,
      expect.stringMatching(/^used: tokens \d+%$/),
    ]);
    expect(notices.slice(1)).toEqual([{ limit: "tokens", used: 81, of: 60, state: "spent" }]);

    const chat = await openai.chat.completions.create(CHAT, { maxRetries: 3 }).catch((e) => e);
    expect(chat).toBeInstanceOf(OpenAI.APIError);
    expect(chat).toMatchObject({ status: 402, code: "insufficient_quota" });
    expect(chat.message).toContain("has used its budget of 60 tokens");
    const message = await anthropic.messages.create(MESSAGE, { maxRetries: 3 }).catch((e) => e);
    expect(message).toBeInstanceOf(Anthropic.APIError);
    expect(message.error).toMatchObject({ type: "error", error: { type: "billing_error" } });
    expect(gpt.requests).toHaveLength(2);
    expect(records).toHaveLength(5);
    expect(notices).toHaveLength(2);
  });

  test("of money, at the owner's prices", async () => {
    // 16 fresh tokens in and 7 out.
    const { openai, records, notices } = await spending({ usd: 30 });
    await openai.chat.completions.create(CHAT);
    expect(records[0]?.usd).toBe(30);
    expect(notices.map(({ state }) => state)).toEqual(["near", "spent"]);
    expect(await openai.chat.completions.create(CHAT).catch((e) => e.status)).toBe(402);
  });

  test("of calls in a minute, which is worth waiting for", async () => {
    const { post, gpt } = await spending({ callsPerMinute: 2 });
    const statuses = [];
    for (let index = 0; index < 4; index++) statuses.push(await post("/v1/chat/completions", CHAT));
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 429, 429]);
    expect(Number(statuses[2]?.headers.get("retry-after"))).toBeGreaterThan(50);
    expect(statuses[2]?.headers.get("x-should-retry")).toBeNull();
    expect(gpt.requests).toHaveLength(2);
  });

  test("of one provider: others go on, and its calls go to the next of their route", async () => {
    const { post, claude, gpt, setPolicy, records } = await spending({ providers: { gpt: { tokens: 20 } } });
    expect((await post("/v1/chat/completions", CHAT)).status).toBe(200);
    expect((await post("/v1/chat/completions", CHAT)).status).toBe(402);
    expect((await post("/v1/messages", MESSAGE)).status).toBe(200);
    const { providers = {} } = section({ gpt, claude });
    const route = { models: ["gpt-*"], provider: "gpt", fallbacks: [{ provider: "claude", model: "claude-y" }] };
    setPolicy({ routes: [route], providers, budget: { providers: { gpt: { tokens: 20 } } } });
    expect((await post("/v1/chat/completions", CHAT)).status).toBe(200);
    expect(claude.requests.at(-1)?.body.model).toBe("claude-y");
    expect(records.at(-1)?.failed).toEqual([expect.stringContaining("provider gpt has used its budget")]);
  });

  test("what calls under way read is reserved", async () => {
    const { post, gpt } = await spending({ tokens: 40 });
    const held: (() => unknown)[] = [];
    gpt.reply = (request, response) => held.push(() => json(CHAT_WHOLE)(request, response));
    const long = { ...CHAT, messages: [{ role: "user", content: "x".repeat(200) }] };
    const first = post("/v1/chat/completions", long);
    await expect.poll(() => held.length).toBe(1);
    expect((await post("/v1/chat/completions", CHAT)).status).toBe(402);
    held[0]?.();
    expect((await first).status).toBe(200);
    // What it had reserved was more than it took.
    gpt.reply = json(CHAT_WHOLE);
    expect((await post("/v1/chat/completions", CHAT)).status).toBe(200);
  });

  test("what a client gave up is charged, for the provider goes on", async () => {
    const { fetch, gpt, records } = await spending({ tokens: 10_000 });
    const reached = new Promise<void>((resolve) => {
      gpt.reply = () => resolve();
    });
    const controller = new AbortController();
    const body = JSON.stringify({ ...CHAT, max_tokens: 500 });
    const answer = fetch("/v1/chat/completions", { method: "POST", body, signal: controller.signal });
    await reached;
    controller.abort();
    await answer.catch(() => undefined);
    await expect.poll(() => records[0]?.usage).toMatchObject({ outputTokens: 500, estimated: true });
  });

  test("an answer without a count is taken for as long as it is", async () => {
    const { post, claude, gpt, records } = await spending({ tokens: 100_000 });
    const { usage: _, ...uncounted } = MESSAGE_WHOLE;
    claude.reply = json({ ...uncounted, content: [{ type: "text", text: "word ".repeat(400) }] });
    await post("/v1/messages", MESSAGE);
    expect(records[0]?.usage.estimated).toBe(true);
    expect(records[0]?.usage.outputTokens).toBeGreaterThan(400);

    // A stream that breaks off after one event that says much.
    const chunk = { choices: [{ index: 0, delta: { content: "word ".repeat(400) } }] };
    gpt.reply = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`data: ${JSON.stringify(chunk)}\n\n`, () => response.destroy());
    };
    await (await post("/v1/chat/completions", { ...CHAT, stream: true })).text().catch(() => undefined);
    expect(records[1]?.usage.outputTokens).toBeGreaterThan(400);

    // More from a cache than was read at all would make a call cheaper than nothing.
    gpt.reply = json({ ...CHAT_WHOLE, usage: { prompt_tokens: 1, prompt_tokens_details: { cached_tokens: 900 } } });
    await post("/v1/chat/completions", CHAT);
    expect(records[2]?.usd).toBeGreaterThanOrEqual(0);
  });

  test("another policy sets other limits, and what was used stays used", async () => {
    const { post, gpt, claude, setPolicy } = await spending({ tokens: 1 });
    await post("/v1/chat/completions", CHAT);
    expect((await post("/v1/chat/completions", CHAT)).status).toBe(402);
    setPolicy({ ...section({ gpt, claude }), budget: { tokens: 1000 } });
    expect((await post("/v1/chat/completions", CHAT)).status).toBe(200);
    setPolicy({ ...section({ gpt, claude }), budget: { tokens: 50 } });
    expect((await post("/v1/chat/completions", CHAT)).status).toBe(402);
  });

  test("a remote model whose price nobody knows is not paid for", async () => {
    const gpt = await serve(json(CHAT_WHOLE));
    const { providers } = section({ gpt });
    const remote = { ...providers?.gpt, kind: "openai", local: false, keyVariable: "X" } as const;
    const there = { gpt: { ...remote, baseUrl: "https://models.test/v1" } };
    const { fetch } = bench({ routes: [{ models: ["*"], provider: "gpt" }], providers: there, budget: { usd: 1 } });
    const answer = await fetch("/v1/chat/completions", { method: "POST", body: JSON.stringify(CHAT) });
    expect(answer.status).toBe(402);
    expect(await answer.json()).toMatchObject({
      error: { message: expect.stringContaining("Nobody knows what the model") },
    });
  });
});

describe("PriceTable", () => {
  const usage = { inputTokens: 1_000_000, outputTokens: 1_000_000, cachedTokens: 500_000 };
  const of = (name: string, model: string, table = new PriceTable()) => {
    const providers = [{ mine: { kind: "openai", baseUrl: "https://x.test/v1" }, home: { kind: "ollama" } } as const];
    const provider = findProvider(name, providers);
    return provider === undefined ? "no provider" : table.cost(provider, model, usage);
  };

  test("knows list prices, of the kind's own host only; what is local is free unless the table says otherwise", () => {
    expect(of("anthropic", "claude-sonnet-4-5-20250929")).toBeCloseTo(1.5 + 0.15 + 15);
    expect(of("openai", "gpt-4o")).toBeCloseTo(1.25 + 0.625 + 10);
    expect([of("mine", "gpt-4o"), of("openai", "gpt-99"), of("home", "llama")]).toEqual([undefined, undefined, 0]);
    const table = new PriceTable([{ models: ["*"], input: 1, output: 1 }]);
    expect([of("mine", "a", table), of("home", "a", table), of("home", "a/b", table)]).toEqual([2, 2, 0]);
  });
});
