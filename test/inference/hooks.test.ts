import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/domains/inference/router/json.ts";
import { type Approver, allow, ask, deny, HookedCall, type Plugin, PluginRegistry } from "../../src/hooks/mod.ts";
import type { InferenceSection } from "../../src/policy/mod.ts";
import { CHAT_WHOLE, MESSAGE_WHOLE } from "./fixtures.ts";
import { json } from "./model-server.ts";
import { bench, CHAT, section, serve } from "./support.ts";

type Call = NonNullable<NonNullable<NonNullable<Plugin["hooks"]>["inference"]>["call"]>;

/** A router whose calls go through the hooks of plugins a, b, and so on. */
async function hooked(calls: readonly Call[], approve?: Approver) {
  const plugins = calls.map((call, index): Plugin => ({ name: "abc"[index] ?? "z", hooks: { inference: { call } } }));
  const registry = await PluginRegistry.open(plugins, { sandbox: "s", approve });
  const servers = { gpt: await serve(json(CHAT_WHOLE)), claude: await serve(json(MESSAGE_WHOLE)) };
  const made = bench(section(servers), {
    judge: async (call, ruling, signal) => {
      const it = new HookedCall(call);
      const decided = await registry.decideCall(it, ruling, { signal });
      return it.changedBy === undefined ? { decided } : { decided, body: it.current.body as JsonObject };
    },
  });
  const post = async (body: object = CHAT) => {
    const answer = await made.fetch("/v1/chat/completions", { method: "POST", body: JSON.stringify(body) });
    return [answer.status, await answer.text()] as const;
  };
  return { ...made, ...servers, post };
}

describe("inference.call", () => {
  test("sees a call as the client made it, and nothing that is the host's", async () => {
    const seen: unknown[] = [];
    const { post, records } = await hooked([(call, { plugin, hook }) => void seen.push({ ...call, plugin, hook })]);
    expect((await post())[0]).toBe(200);
    expect(seen).toEqual([
      {
        id: expect.any(String),
        endpoint: "chat",
        model: "gpt-x",
        provider: "gpt",
        local: true,
        estimatedTokens: expect.any(Number),
        stream: false,
        body: CHAT,
        pid: 7,
        binary: "/usr/bin/agent",
        verdict: "allow",
        ruleId: "gpts",
        plugin: "a",
        hook: "inference.call",
      },
    ]);
    expect(records[0]?.decided).toMatchObject({ verdict: "allow", decidedBy: { kind: "policy" } });
  });

  test("thinks while the policy changes, and the call goes by the new one", async () => {
    const made: { setPolicy?: (section: InferenceSection) => void } = {};
    const bench = await hooked([() => void made.setPolicy?.({ routes: [] })]);
    made.setPolicy = bench.setPolicy;
    const [status, text] = await bench.post();
    expect([status, bench.gpt.requests.length]).toEqual([403, 0]);
    expect(text).toContain("has no route");
  });

  test("denies, with its words, and the provider hears nothing", async () => {
    const { post, gpt, records } = await hooked([() => deny("not today")]);
    const [status, text] = await post();
    expect([status, gpt.requests.length]).toEqual([403, 0]);
    expect(text).toContain("not today");
    expect(records[0]).toMatchObject({
      failure: { kind: "denied" },
      decided: { decidedBy: { kind: "plugin", name: "a" } },
    });
  });

  test("asks the approver, who sees what the hooks made of the call", async () => {
    const asked: unknown[] = [];
    const approve: Approver = (request) => {
      asked.push(request.domain === "inference" ? request.call?.body : request.domain);
      return asked.length > 1;
    };
    const { post, gpt } = await hooked(
      [({ body }) => ({ body: { ...body, user: "nobody" } }), () => ask("large")],
      approve,
    );
    expect([(await post())[0], (await post())[0]]).toEqual([403, 200]);
    expect(asked[0]).toEqual({ ...CHAT, user: "nobody" });
    expect(gpt.requests.map(({ body }) => body.user)).toEqual(["nobody"]);
  });

  test("makes another call of it: each hook sees what the one before made, and the model is routed anew", async () => {
    const { post, claude, gpt, records } = await hooked([
      ({ body }) => ({ body: { ...body, messages: [{ role: "user", content: "a" }] } }),
      ({ body }) => ({ body: { ...body, model: "claude-y", stream: true } }),
    ]);
    expect((await post())[0]).toBe(200);
    expect(claude.requests[0]?.body).toMatchObject({ model: "claude-y", messages: [{ content: [{ text: "a" }] }] });
    expect(claude.requests[0]?.body.stream).toBeUndefined();
    expect([gpt.requests.length, records[0]?.model, records[0]?.route?.id]).toEqual([0, "claude-y", "claudes"]);
  });

  test.each<[string, Call]>([
    [
      "throws",
      () => {
        throw new Error("broken");
      },
    ],
    ["takes too long", { handler: () => new Promise(() => undefined), timeoutMs: 20 }],
    ["gives a body that is none", () => ({ body: "text" }) as never],
    ["gives what is no verdict", () => "yes" as never],
    ["makes a call that has no route", ({ body }) => ({ body: { ...body, model: "o9" } })],
  ])("a hook that %s is a denial", async (_, call) => {
    const { post, gpt, claude } = await hooked([call, () => allow("anything")]);
    expect((await post())[0]).toBe(403);
    expect(gpt.requests.length + claude.requests.length).toBe(0);
  });

  test("only calls that its filters mean", async () => {
    const handler = () => deny("meant");
    const { post } = await hooked([
      { handler, models: ["gpt-4*"] },
      { handler, binaries: ["other"] },
    ]);
    expect([(await post())[0], (await post({ ...CHAT, model: "gpt-4x" }))[0]]).toEqual([200, 403]);
    await expect(hooked([{ handler, models: ["a["] }])).rejects.toMatchObject({ code: "PLUGIN_INVALID" });
  });
});
