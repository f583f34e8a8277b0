import { describe, expect, test } from "vitest";
import { ProviderConnections, planInference } from "../../src/domains/inference/mod.ts";
import { normalizePolicy } from "../../src/policy/mod.ts";
import { CHAT_WHOLE } from "./fixtures.ts";
import { json, type Reply } from "./model-server.ts";
import { bench, CHAT, serve } from "./support.ts";

const BREAKS: Reply = (_, response) => response.socket?.resetAndDestroy();

describe("connections to providers", () => {
  test("a call whose connection breaks is not sent again, and is paid for", async () => {
    const gpt = await serve(BREAKS);
    const spare = await serve(json(CHAT_WHOLE));
    const provider = (url: string) => ({ kind: "vllm", baseUrl: `${url}/v1` }) as const;
    const providers = { gpt: provider(gpt.url), spare: provider(spare.url) };
    const route = { models: ["gpt-*"], provider: "gpt" };
    const alone = bench({ routes: [route], providers, budget: { tokens: 100_000 } });
    const error = await alone.openai.chat.completions.create({ ...CHAT, max_tokens: 500 }).catch((e) => e);
    expect(error).toMatchObject({ status: 502, code: "provider_unreachable" });
    expect(gpt.requests).toHaveLength(1);
    expect(alone.records[0]?.usage).toMatchObject({ outputTokens: 500, estimated: true });

    const both = bench({
      routes: [{ ...route, fallbacks: [{ provider: "spare" }] }],
      providers,
      budget: { tokens: 400, providers: { gpt: { tokens: 100_000 } } },
    });
    const post = () =>
      both.fetch("/v1/chat/completions", { method: "POST", body: JSON.stringify({ ...CHAT, max_tokens: 500 }) });
    expect((await post()).status).toBe(200);
    expect([gpt.requests.length, spare.requests.length]).toEqual([2, 1]);
    // What the first may have taken counts, too.
    expect((await post()).status).toBe(402);
  });

  test("a list of models costs nothing, and is asked for once more", async () => {
    let asked = 0;
    const gpt = await serve((request, response) => {
      asked++;
      return (asked === 1 ? BREAKS : json({ data: [{ id: "gpt-a" }] }))(request, response);
    });
    const { fetch } = bench({
      routes: [{ models: ["gpt-*"], provider: "gpt" }],
      providers: { gpt: { kind: "vllm", baseUrl: `${gpt.url}/v1` } },
    });
    expect(await (await fetch("/v1/models")).text()).toContain("gpt-a");
    expect(asked).toBe(2);
  });

  test("a name that counts as this machine leads nowhere else, whatever it resolves to", async () => {
    const gpt = await serve(json(CHAT_WHOLE));
    const send = async (addresses: readonly string[]) => {
      const connections = new ProviderConnections({
        resolver: undefined,
        local: () => addresses,
        proxies: () => undefined,
        certificates: [],
      });
      const plan = planInference(
        normalizePolicy({
          version: 1,
          inference: {
            localOnly: true,
            routes: [{ models: ["*"], provider: "it" }],
            providers: { it: { kind: "vllm", baseUrl: `http://models.localhost:${gpt.port}/v1` } },
          },
        }),
      );
      const provider = plan.kind === "routes" ? plan.routes[0]?.targets[0]?.provider : undefined;
      if (provider === undefined) throw new Error("there is no route");
      const { signal } = new AbortController();
      const request = {
        method: "POST",
        path: "/chat/completions",
        headers: [],
        body: Buffer.from(JSON.stringify(CHAT)),
        signal,
      } as const;
      try {
        const { status, body } = await connections.send(provider, request);
        body.stream.destroy();
        return status;
      } catch (error) {
        return String(error);
      } finally {
        connections.close();
      }
    };
    expect(await send(["127.0.0.1"])).toBe(200);
    expect(await send(["203.0.113.7"])).toMatch(/counts as this machine, and leads to 203\.0\.113\.7/);
    expect(await send(["10.0.0.7", "203.0.113.7"])).toMatch(/counts as this machine/);
    expect(await send(["203.0.113.7", "127.0.0.1"])).toBe(200);
    expect(gpt.requests).toHaveLength(2);
  });
});
