import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { compose, explain, type Policy, type PolicyRequest, parsePolicy } from "../../src/policy/mod.ts";

const base: Policy = {
  version: 1,
  name: "base",
  filesystem: { read: ["."], write: ["./docs"], deny: ["**/.env"] },
  process: { allow: ["node", { id: "git", binary: "git", args: ["status"] }] },
};
const web: Policy = {
  version: 1,
  name: "web",
  filesystem: { read: ["."], ask: ["./CHANGELOG.md"] },
  process: { deny: [{ id: "no-push", binary: "git", args: ["push", "**"] }] },
  network: {
    allow: [
      { id: "read", host: "api.example.com", http: { access: "read-only" } },
      { id: "raw", host: "*.example.net", ports: [22], binaries: ["ssh"] },
    ],
    deny: [{ id: "no-admin", host: "**", http: { rules: [{ paths: ["/admin/**"] }] } }],
    unmatched: "ask",
  },
};
const policy = compose(base, web);

describe("explain() on files", () => {
  test("names verdict, rules in order, and their parts", async () => {
    expect(await explain(policy, { domain: "filesystem", path: "./docs/.env", operation: "write" })).toEqual({
      verdict: "deny",
      decidedBy: "rule",
      section: "filesystem",
      ruleId: "filesystem.deny:./**/.env",
      parts: ["base"],
      reason: "filesystem.deny:./**/.env denies it",
      rules: [
        {
          ruleId: "filesystem.read:.",
          list: "filesystem.read",
          verdict: "allow",
          applies: false,
          because: "operation",
          parts: ["base", "web"],
        },
        {
          ruleId: "filesystem.write:./docs",
          list: "filesystem.write",
          verdict: "allow",
          applies: true,
          parts: ["base"],
        },
        {
          ruleId: "filesystem.deny:./**/.env",
          list: "filesystem.deny",
          verdict: "deny",
          applies: true,
          parts: ["base"],
        },
      ],
    });
  });

  test.each<[PolicyRequest, object]>([
    [
      { domain: "filesystem", path: "/usr/bin/env" },
      { verdict: "allow", decidedBy: "baseline", ruleId: "baseline:/usr", parts: [] },
    ],
    [
      { domain: "filesystem", path: "CHANGELOG.md" },
      { verdict: "ask", ruleId: "filesystem.ask:./CHANGELOG.md", parts: ["web"] },
    ],
    [
      { domain: "filesystem", path: "~/x", operation: "create" },
      { verdict: "allow", decidedBy: "baseline" },
    ],
    [
      { domain: "filesystem", path: "/etc/shadow" },
      { verdict: "deny", decidedBy: "unmatched", rules: [] },
    ],
    [
      { domain: "filesystem", path: "./a*b" },
      { verdict: "allow", ruleId: "filesystem.read:." },
    ],
  ])("%o", async (request, expected) => {
    expect(await explain(policy, request)).toMatchObject(expected);
  });

  test("refuses what is no file's real name", async () => {
    await expect(explain(policy, { domain: "filesystem", path: "./a/../b" })).rejects.toThrow(/names no file/);
    await expect(explain(policy, { domain: "files" } as never)).rejects.toThrow(/unknown domain/);
  });
});

describe("explain() on programs", () => {
  test.each<[readonly string[], object]>([
    [["node", "x.js"], { verdict: "allow", ruleId: "process.allow:node", parts: ["base"] }],
    [["git", "status"], { verdict: "allow", ruleId: "git" }],
    [["git", "push", "origin"], { verdict: "deny", ruleId: "no-push", parts: ["web"] }],
    [["git", "pull"], { verdict: "deny", decidedBy: "unmatched", section: "process" }],
    [["/opt/x/node"], { verdict: "deny", decidedBy: "unmatched" }],
  ])("%o", async (argv, expected) => {
    expect(await explain(policy, { domain: "process", argv })).toMatchObject(expected);
  });

  test("says why a rule on the program has no say", async () => {
    const { rules } = await explain(policy, { domain: "process", argv: ["git", "pull"] });
    expect(rules.slice(0, 2).map(({ ruleId, because }) => [ruleId, because])).toEqual([
      ["git", "arguments"],
      ["no-push", "arguments"],
    ]);
    const hashed: Policy = { version: 1, process: { allow: [{ binary: "git", sha256: "ab".repeat(32) }] } };
    const known = await explain(hashed, { domain: "process", argv: ["git"], sha256: "AB".repeat(32) });
    expect(known.verdict).toBe("allow");
    expect((await explain(hashed, { domain: "process", argv: ["git"] })).rules[0]?.because).toBe("sha256");
  });

  test("wants the file to be readable, and without a list nothing else", async () => {
    const open: Policy = { version: 1, filesystem: { read: ["."] } };
    expect(await explain(open, { domain: "process", argv: ["./run"] })).toMatchObject({
      verdict: "allow",
      decidedBy: "default",
    });
    expect(await explain(open, { domain: "process", argv: ["/opt/run"] })).toMatchObject({
      verdict: "deny",
      section: "filesystem",
    });
  });
});

describe("explain() on the network", () => {
  test.each<[PolicyRequest, object]>([
    [
      { domain: "network", host: "API.example.com." },
      { verdict: "allow", ruleId: "read", inspects: true, parts: ["web"] },
    ],
    [
      { domain: "network", host: "a.example.net", port: 22, binary: "/usr/bin/ssh" },
      { verdict: "allow", ruleId: "raw" },
    ],
    [
      { domain: "network", host: "a.example.net", port: 22 },
      { verdict: "ask", decidedBy: "unmatched", parts: ["web"] },
    ],
    [
      { domain: "network", operation: "request", url: "https://api.example.com/x?y=1" },
      { verdict: "allow", ruleId: "read" },
    ],
    [
      { domain: "network", operation: "request", url: "https://api.example.com/a/../admin/x" },
      { verdict: "deny", ruleId: "no-admin" },
    ],
    [
      { domain: "network", operation: "request", method: "POST", url: "https://api.example.com/x" },
      { verdict: "ask", decidedBy: "unmatched" },
    ],
    [
      { domain: "network", operation: "request", url: "https://api.example.com/%2500" },
      { verdict: "deny", decidedBy: "malformed" },
    ],
  ])("%o", async (request, expected) => {
    expect(await explain(policy, request)).toMatchObject(expected);
  });

  test("says why a rule on the host has no say", async () => {
    const because = async (request: PolicyRequest) => {
      return Object.fromEntries((await explain(policy, request)).rules.map((rule) => [rule.ruleId, rule.because]));
    };
    expect(await because({ domain: "network", host: "a.example.net" })).toEqual({ raw: "port", "no-admin": "request" });
    expect(await because({ domain: "network", host: "a.example.net", port: 22 })).toMatchObject({ raw: "binary" });
    expect(
      await because({ domain: "network", operation: "request", method: "PUT", url: "wss://api.example.com/" }),
    ).toEqual({ read: "request", "no-admin": "request" });
  });

  test("reads what a request says, where a rule is about it", async () => {
    const queries: Policy = {
      version: 1,
      network: { allow: [{ id: "q", host: "a.b", http: { rules: [{ graphql: { operations: ["query"] } }] } }] },
    };
    const verdict = async (query: string) => {
      const headers = { "Content-Type": "application/json" };
      const body = JSON.stringify({ query });
      return (
        await explain(queries, {
          domain: "network",
          operation: "request",
          method: "POST",
          url: "https://a.b/",
          headers,
          body,
        })
      ).verdict;
    };
    expect(await verdict("{ viewer { login } }")).toBe("allow");
    expect(await verdict("mutation { deleteAll }")).toBe("deny");
  });

  test("tells what passes only because a rule audits", async () => {
    const audits: Policy = {
      version: 1,
      network: { allow: [{ id: "a", host: "a.b", enforcement: "audit", http: { access: "read-only" } }] },
    };
    const request = { domain: "network", operation: "request", method: "POST", url: "https://a.b/" } as const;
    expect(await explain(audits, request)).toMatchObject({ verdict: "allow", ruleId: "a", audited: true });
  });

  test("refuses what is no URL", async () => {
    await expect(explain(policy, { domain: "network", operation: "request", url: "/x" })).rejects.toThrow(
      /absolute URL/,
    );
  });
});

describe("where a rule came from", () => {
  const request: PolicyRequest = { domain: "filesystem", path: "./docs/.env" };
  const partsIn = async (...args: Parameters<typeof explain>) => (await explain(...args)).parts;

  test("is known of what was composed, also in turn", async () => {
    const more = compose(policy, { version: 1, name: "more", filesystem: { deny: ["**/.env"] } });
    expect(await partsIn(more, request)).toEqual(["base", "more"]);
  });

  test("is in neither document nor digest, and found again after YAML by what rules say", async () => {
    const text = stringify(policy);
    expect(text).not.toContain("parts");
    expect(await partsIn(text, request)).toEqual(["base + web"]);
    expect(await partsIn(text, request, { parts: [base, web] })).toEqual(["base"]);
    expect(await partsIn(parsePolicy(text), request, { parts: [web] })).toEqual([]);
    const unmatched: PolicyRequest = { domain: "network", host: "nobody.example" };
    expect(await partsIn(text, unmatched, { parts: [base, web] })).toEqual(["web"]);
  });

  test("is the policy itself where it was not composed", async () => {
    expect(await partsIn(base, request)).toEqual(["base"]);
    expect(await partsIn({ version: 1, filesystem: { deny: ["**/.env"] } }, request)).toEqual([]);
  });
});
