import { describe, expect, test } from "vitest";
import { compose, explain, type Policy } from "../../src/policy/mod.ts";

const base: Policy = {
  version: 1,
  name: "base",
  inference: {
    routes: [
      { id: "fast", models: ["fast"], provider: "ollama", model: "llama3.2" },
      { id: "gpts", models: ["gpt-*"], provider: "openai", fallbacks: [{ provider: "house", model: "big" }] },
    ],
    providers: { house: { kind: "vllm", baseUrl: "https://models.house.example/v1" } },
    budget: { tokens: 100, providers: { openai: { usd: 1 }, anthropic: { usd: 2 } } },
    intercept: ["api.openai.com"],
  },
  audit: { inference: "content" },
};
const careful: Policy = {
  version: 1,
  name: "careful",
  inference: {
    routes: [{ id: "rest", models: ["**"], provider: "private" }],
    privacy: [
      { id: "customers", sensitive: ["./customers"], action: "route", provider: "ollama" },
      { id: "keys", patterns: ["keys"], action: "deny", local: true },
    ],
  },
};
const policy = compose(base, careful);
const ask = (model: string, providers = {}) => explain(policy, { domain: "inference", model }, { providers });

describe("explain() on calls to models", () => {
  test("names the route, who is asked in its turn, what may count, and the budget", async () => {
    expect(await ask("gpt-5")).toEqual({
      verdict: "allow",
      decidedBy: "rule",
      section: "inference",
      ruleId: "gpts",
      parts: ["base"],
      reason:
        "gpts sends it to openai (gpt-5), and where that one fails to house (big), unless it carries what customers, keys is about",
      rules: [
        { ruleId: "gpts", list: "inference.routes", verdict: "allow", applies: true, parts: ["base"] },
        {
          ...{ ruleId: "rest", list: "inference.routes", verdict: "allow", parts: ["careful"] },
          ...{ applies: false, because: "order" },
        },
        {
          ...{ ruleId: "customers", list: "inference.privacy", verdict: "allow", parts: ["careful"] },
          ...{ applies: false, because: "content" },
        },
        {
          ...{ ruleId: "keys", list: "inference.privacy", verdict: "deny", parts: ["careful"] },
          ...{ applies: false, because: "content" },
        },
      ],
      call: {
        targets: [
          { provider: "openai", model: "gpt-5", baseUrl: "https://api.openai.com/v1", local: false },
          { provider: "house", model: "big", baseUrl: "https://models.house.example/v1", local: false },
        ],
        privacy: [
          {
            ruleId: "customers",
            action: "route",
            target: { provider: "ollama", model: "gpt-5", baseUrl: "http://127.0.0.1:11434/v1", local: true },
          },
          { ruleId: "keys", action: "deny" },
        ],
        budget: { tokens: 100, providers: { openai: { usd: 1 } } },
        recorded: "content",
      },
    });
  });

  test("knows what is local, and the host's providers where it is told of them", async () => {
    const fast = await ask("fast");
    expect(fast.call).toMatchObject({ targets: [{ model: "llama3.2", local: true }], privacy: [{ ruleId: "keys" }] });
    expect(fast.rules).toMatchObject([{}, {}, { ruleId: "customers", because: "local" }, { ruleId: "keys" }]);
    expect((await ask("other")).call?.targets).toEqual([{ provider: "private", model: "other" }]);
    const host = { private: { kind: "openai", baseUrl: "https://far.example/v1", local: true } } as const;
    expect((await ask("other", host)).call?.targets).toMatchObject([{ local: true }]);
  });

  test("what no route takes is denied, as is what localOnly keeps here", async () => {
    const none = await explain(base, { domain: "inference", model: "claude-x" });
    expect(none).toMatchObject({ verdict: "deny", decidedBy: "unmatched", section: "inference", rules: [] });
    expect(none.call).toBeUndefined();
    const here = { ...base, inference: { ...base.inference, localOnly: true } };
    expect(await explain(here, { domain: "inference", model: "gpt-5" })).toMatchObject({
      verdict: "deny",
      decidedBy: "malformed",
      ruleId: "gpts",
      reason: expect.stringContaining("openai is not local"),
    });
    await expect(ask("")).rejects.toMatchObject({ code: "ARGUMENT_INVALID", details: { argument: "model" } });
  });

  test("hosts that the router answers for need no rule, and a denial of the network still holds", async () => {
    const connect = (host: string, port = 443, of: Policy = base) => explain(of, { domain: "network", host, port });
    expect(await connect("api.openai.com")).toMatchObject({
      ...{ verdict: "allow", decidedBy: "rule", section: "inference", inspects: true },
      ruleId: "inference.intercept:api.openai.com",
      rules: [{ list: "inference.intercept", applies: true }],
    });
    expect(await connect("inference.local")).toMatchObject({ verdict: "allow", decidedBy: "default" });
    expect(await connect("cofferdam.local", 80)).toMatchObject({ verdict: "allow", section: "network" });
    for (const [host, port] of [
      ["api.openai.com", 22],
      ["api.anthropic.com", 443],
    ] as const) {
      expect(await connect(host, port)).toMatchObject({ verdict: "deny", decidedBy: "unmatched" });
    }
    expect(await connect("inference.local", 443, { version: 1 })).toMatchObject({ verdict: "deny" });
    const quiet: Policy = { ...base, network: { deny: [{ id: "quiet", host: "api.*.com" }] } };
    expect(await connect("api.openai.com", 443, quiet)).toMatchObject({ verdict: "deny", ruleId: "quiet" });
    const url = "https://api.openai.com/v1/responses";
    const web = { domain: "network", operation: "request", method: "POST", url } as const;
    expect(await explain(base, web)).toMatchObject({ verdict: "allow", section: "inference" });
    expect(await explain(quiet, web)).toMatchObject({ verdict: "deny", ruleId: "quiet" });
  });
});
