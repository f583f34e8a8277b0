import { describe, expect, test } from "vitest";
import { inferenceRules, planInference } from "../../src/domains/inference/mod.ts";
import { networkRules, planNetwork } from "../../src/domains/network/mod.ts";
import { planProcess } from "../../src/domains/process/mod.ts";
import type { InferenceProvider, InferenceRoute, InferenceSection, ProcessSection } from "../../src/policy/mod.ts";
import { failure, normalized } from "../policy/helpers.ts";

const context = { workspace: "/workspace", home: "/home/agent" };

describe("planProcess()", () => {
  const plan = (section: ProcessSection) => planProcess(normalized({ process: section }), context);

  test("passes limits on as numbers", () => {
    const { limits } = plan({ limits: { memory: "1GiB", cpus: 0.5, pids: 64, timeout: "1m" } });
    expect(limits).toEqual({ memoryBytes: 2 ** 30, cpus: 0.5, pids: 64, timeoutMs: 60_000, mode: "enforce" });
  });

  test("has neither limits nor rules by default", () => {
    expect(plan({})).toEqual({
      kind: "readable",
      rules: [],
      allowList: false,
      unmatched: "deny",
      limits: { mode: "enforce" },
    });
  });

  test.each<[string, ProcessSection]>([
    ["a list", { allow: ["git"] }],
    ["an empty list", { allow: [] }],
    ["a denial", { deny: ["curl"] }],
    ["an ask", { ask: ["curl"] }],
  ])("decides by rules as soon as there is %s", (_, section) => {
    expect(plan(section)).toMatchObject({ kind: "rules", allowList: section.allow !== undefined });
  });

  test("tells names from paths, and makes paths absolute", () => {
    const sha256 = "ab".repeat(32);
    const { rules, unmatched } = plan({
      allow: [
        "git",
        "./tools/*",
        { binary: "~/bin/x", sha256 },
        "/usr/bin/**",
        { id: "n", binary: "n*", defer: "hook" },
      ],
      deny: [{ binary: "git", args: ["push", "**"] }],
      ask: [{ binary: "/bin/sh", defer: "hook" }],
      unmatched: "ask",
    });
    expect(unmatched).toBe("ask");
    expect(rules).toEqual([
      { verdict: "allow", ruleId: "process.allow:git", pattern: "git", name: true },
      { verdict: "allow", ruleId: "process.allow:./tools/*", pattern: "/workspace/tools/*", name: false },
      { verdict: "allow", ruleId: "process.allow:~/bin/x", pattern: "/home/agent/bin/x", name: false, sha256 },
      { verdict: "allow", ruleId: "process.allow:/usr/bin/**", pattern: "/usr/bin/**", name: false },
      { verdict: "ask", ruleId: "n", pattern: "n*", name: true, defer: "hook" },
      { verdict: "deny", ruleId: "process.deny:git push **", pattern: "git", name: true, args: ["push", "**"] },
      { verdict: "ask", ruleId: "process.ask:/bin/sh", pattern: "/bin/sh", name: false, defer: "hook" },
    ]);
  });
});

describe("planNetwork()", () => {
  const plan = (policy: Parameters<typeof normalized>[0]) => planNetwork(normalized(policy), context);

  test("is no network where nothing is said of it, or what is said leaves nothing open", () => {
    expect(plan({})).toEqual({ kind: "none", rules: [], sealed: [], unmatched: "deny", privateRanges: [] });
    expect(plan({ network: { unmatched: "deny", privateRanges: ["10.0.0.0/8"] } }).kind).toBe("none");
  });

  test("is rules in the order of the policy: allow, deny, ask; what defers asks", () => {
    const { kind, rules } = plan({
      network: {
        ask: [{ host: "c.d" }],
        deny: [{ host: "b.c" }],
        allow: [
          { host: "a.b", addresses: ["10.0.0.1"] },
          { id: "left", host: "a.c", defer: "hook" },
        ],
      },
    });
    expect(kind).toBe("rules");
    expect(rules.map(({ verdict, ruleId, defer }) => [verdict, ruleId, defer])).toEqual([
      ["allow", "network.allow:a.b:443", undefined],
      ["ask", "left", "hook"],
      ["deny", "network.deny:b.c:*", undefined],
      ["ask", "network.ask:c.d:443", undefined],
    ]);
    expect(plan({ network: { unmatched: "ask" } }).kind).toBe("rules");
  });

  test("has the HTTP of each rule, and whether it opens TLS", () => {
    const http = { access: "read-only" } as const;
    const allow = [
      { id: "h", host: "a.b", http },
      { id: "t", host: "a.b", tls: "terminate" },
    ] as const;
    const { rules } = plan({ network: { allow, deny: [{ id: "d", host: "a.b", http: { rules: [{}] } }] } });
    expect(rules.map((rule) => [rule.ruleId, rule.http, rule.terminates])).toEqual([
      ["h", http, false],
      ["t", undefined, true],
      ["d", { rules: [{}] }, false],
    ]);
  });

  test("looks into connections that a sealed credential is bound to", () => {
    const credentials = [
      { name: "A", hosts: ["*.a.b"], ports: [443, 8443] },
      { name: "B", expose: "env" },
    ] as const;
    const { sealed } = plan({ credentials });
    const meant = (host: string, port: number) => sealed.some((isBound) => isBound({ host, port, binary: "" }));
    expect(sealed).toHaveLength(1);
    expect([meant("x.a.b", 443), meant("x.a.b", 8443), meant("x.a.b", 22), meant("a.b", 443)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test("networkRules() joins the credentials to the rules", () => {
    const policy = normalized({ credentials: [{ name: "A", hosts: ["a.b"] }] });
    expect(networkRules(policy)).toMatchObject({
      allow: [],
      unmatched: "deny",
      credentials: [{ id: "credentials:A" }],
    });
  });
});

describe("planInference()", () => {
  test("is no model", () => {
    expect(planInference(normalized({}))).toEqual({ kind: "none" });
    expect(inferenceRules(normalized({})).routes).toEqual([]);
  });

  const route = { models: ["gpt-*", "big"], provider: "openai" };
  const routes = (...list: readonly InferenceRoute[]) => {
    const plan = planInference(normalized({ inference: { routes: list } }));
    return plan.kind === "none" ? [] : plan.routes;
  };

  test("a route has its providers in their order, each with what its kind is", () => {
    const fallbacks = [{ provider: "ollama", model: "llama", timeout: "2s" }, { provider: "anthropic" }];
    const [planned] = routes({ ...route, fallbacks });
    expect(planned).toMatchObject({ id: "inference.routes:gpt-*,big", models: route.models });
    expect(["gpt-4", "big", "gpt-4/x", "o3"].map((model) => planned?.matches(model))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(
      planned?.targets.map(({ provider, model, timeoutMs }) => [
        provider.baseUrl,
        provider.family,
        provider.local,
        model,
        timeoutMs,
      ]),
    ).toEqual([
      ["https://api.openai.com/v1", "openai", false, undefined, 300_000],
      ["http://127.0.0.1:11434/v1", "openai", true, "llama", 2000],
      ["https://api.anthropic.com", "anthropic", false, undefined, 300_000],
    ]);
  });

  test("a key of a kind is not for another host; what is on loopback, or said to be, is local", () => {
    const of = (provider: InferenceProvider) => {
      const policy = normalized({
        inference: { routes: [{ models: ["*"], provider: "it" }], providers: { it: provider } },
      });
      const plan = planInference(policy);
      return plan.kind === "none" ? undefined : plan.routes[0]?.targets[0]?.provider;
    };
    const url = "https://models.example/v1/";
    expect(of({ kind: "openai" })).toMatchObject({ keyVariables: ["OPENAI_API_KEY"], needsKey: true });
    expect(of({ kind: "openai", baseUrl: url })).toMatchObject({ keyVariables: [], needsKey: false, local: false });
    expect(of({ kind: "anthropic", baseUrl: url, keyVariable: "MINE" })).toMatchObject({
      keyVariables: ["MINE"],
      needsKey: true,
      baseUrl: "https://models.example",
    });
    const local = (baseUrl: string, said?: boolean) =>
      of({ kind: "vllm", baseUrl, ...(said === undefined ? {} : { local: said }) })?.local;
    expect(["http://localhost:1", "http://[::1]:1", "http://127.9.9.9:1"].map((each) => local(each))).toEqual([
      true,
      true,
      true,
    ]);
    expect(["http://10.0.0.1:1", "http://localhost.example:1", url].map((each) => local(each))).toEqual([
      false,
      false,
      false,
    ]);
    expect([local(url, true), local("http://127.0.0.1:1", false)]).toEqual([true, false]);
  });

  test("refuses providers that nobody knows, keys in clear, and in a localOnly policy what is not local", () => {
    const issues = (inference: InferenceSection) => {
      const { details } = failure("POLICY_INVALID", () => planInference(normalized({ inference })));
      return details.issues.map(({ path, message, nearest }) => [path, message.replace(/: .*/, ""), nearest]);
    };
    expect(issues({ routes: [{ ...route, provider: "olama", fallbacks: [{ provider: "x" }] }] })).toEqual([
      ["inference.routes[0].provider", 'there is no provider "olama"', "ollama"],
      ["inference.routes[0].fallbacks[0].provider", 'there is no provider "x"', undefined],
    ]);
    const providers = { far: { kind: "openai", baseUrl: "http://models.example/v1", keyVariable: "A" } } as const;
    expect(issues({ routes: [{ ...route, provider: "far" }], providers })).toEqual([
      ["inference.routes[0].provider", 'the key of "far" would go in clear', undefined],
    ]);
    expect(
      issues({ routes: [{ models: ["*"], provider: "ollama", fallbacks: [{ provider: "openai" }] }], localOnly: true }),
    ).toEqual([
      ["inference.routes[0].fallbacks[0].provider", 'the policy is localOnly, and "openai" is not local', undefined],
    ]);
  });

  test("intercepts hosts, and needs no route to deny what is asked there", () => {
    const plan = planInference(normalized({ inference: { intercept: ["API.test", "*.models.test"] } }));
    if (plan.kind === "none") return expect.unreachable();
    expect(["api.test", "a.models.test", "models.test", "b.api.test"].map(plan.intercepts)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test("the host's providers come after those of the policy", () => {
    const policy = normalized({ inference: { routes: [{ models: ["*"], provider: "it" }] } });
    const host = { it: { kind: "vllm" }, ollama: { kind: "openai" } } as const;
    expect(planInference(policy, host)).toMatchObject({ routes: [{ targets: [{ provider: { kind: "vllm" } }] }] });
    const own = normalized({
      inference: { routes: [{ models: ["*"], provider: "it" }], providers: { it: { kind: "nim" } } },
    });
    expect(planInference(own, host)).toMatchObject({ routes: [{ targets: [{ provider: { kind: "nim" } }] }] });
  });
});
