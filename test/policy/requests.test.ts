import { describe, expect, test } from "vitest";
import { readTarget } from "../../src/policy/http/mod.ts";
import { connectionTable, evaluateConnection, evaluateRequest, type NetworkSection } from "../../src/policy/mod.ts";
import { normalized } from "./helpers.ts";

const host = "a.test";
const http = { access: "read-only" } as const;
const attempt = { host, port: 443, binary: "/usr/bin/curl" };
const table = (network: NetworkSection) => {
  return connectionTable(normalized({ network }), { workspace: "/workspace", home: "/home/agent" });
};
const connect = (network: NetworkSection) => evaluateConnection(table(network), attempt);
const request = (network: NetworkSection, method: string) => {
  const target = readTarget("/");
  if ("problem" in target) return expect.unreachable();
  return evaluateRequest(table(network), attempt, { method, target, websocket: false });
};

describe("evaluateConnection()", () => {
  test("opens a connection for the requests that a rule is about, and looks into it", () => {
    expect(connect({ allow: [{ id: "h", host, http }] })).toMatchObject({
      verdict: "allow",
      ruleId: "h",
      inspects: true,
    });
    expect(connect({ ask: [{ id: "h", host, http }] })).toMatchObject({
      verdict: "allow",
      ruleId: "h",
      inspects: true,
    });
    expect(connect({ allow: [{ id: "w", host }] })).toMatchObject({ verdict: "allow", ruleId: "w", inspects: false });
  });

  test("looks into what one rule allows whole where another is about its requests", () => {
    const denial = { id: "d", host, http: { rules: [{ methods: ["DELETE"] }] } };
    expect(connect({ allow: [{ id: "w", host }], deny: [denial] })).toMatchObject({
      verdict: "allow",
      ruleId: "w",
      inspects: true,
    });
    expect(connect({ allow: [{ id: "t", host, tls: "passthrough" }], deny: [denial] }).inspects).toBe(true);
    expect(connect({ allow: [{ id: "t", host, tls: "terminate" }] }).inspects).toBe(true);
  });

  test("is not opened by a denial of requests, nor by a rule for another program", () => {
    expect(connect({ deny: [{ host, http: { rules: [{}] } }] }).verdict).toBe("deny");
    expect(connect({ allow: [{ host, http, binaries: ["git"] }] })).toMatchObject({ verdict: "deny", inspects: false });
  });

  test("denies and asks as a whole before requests count", () => {
    expect(connect({ allow: [{ host, http }], deny: [{ id: "d", host }] })).toMatchObject({
      verdict: "deny",
      ruleId: "d",
    });
    expect(connect({ allow: [{ host, http }], ask: [{ id: "a", host }] })).toMatchObject({
      verdict: "ask",
      ruleId: "a",
    });
  });
});

describe("evaluateRequest()", () => {
  test("does not ask again about what the connection was asked for", () => {
    const network: NetworkSection = {
      ask: [{ id: "a", host }],
      deny: [{ id: "d", host, http: { rules: [{ methods: ["DELETE"] }] } }],
    };
    expect(request(network, "GET")).toEqual({ verdict: "allow", ruleId: "a" });
    expect(request(network, "DELETE")).toEqual({ verdict: "deny", ruleId: "d" });
  });

  test("counts only rules for this host, port and program", () => {
    const network: NetworkSection = {
      allow: [
        { id: "git", host, http: { access: "full" }, binaries: ["git"] },
        { id: "other", host: "b.test", http: { access: "full" } },
        { id: "port", host, ports: [80], http: { access: "full" } },
        { id: "it", host, http },
      ],
    };
    expect(request(network, "GET")).toEqual({ verdict: "allow", ruleId: "it" });
    expect(request(network, "POST")).toEqual({ verdict: "deny" });
  });
});
