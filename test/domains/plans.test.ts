import { describe, expect, test } from "vitest";
import { inferenceRules, planInference } from "../../src/domains/inference/mod.ts";
import { networkRules, planNetwork } from "../../src/domains/network/mod.ts";
import { planProcess } from "../../src/domains/process/mod.ts";
import type { ProcessSection } from "../../src/policy/mod.ts";
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
    expect(plan({})).toEqual({ kind: "none", rules: [], unmatched: "deny", privateRanges: [] });
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

  test("refuses credentials that it would leave out", () => {
    failure("POLICY_UNSUPPORTED", () => plan({ credentials: [{ name: "A", hosts: ["a.b"] }] }));
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

  test("refuses routes that it would leave out", () => {
    const policy = normalized({ inference: { routes: [{ models: ["*"], provider: "x" }] } });
    failure("POLICY_UNSUPPORTED", () => planInference(policy));
  });
});
