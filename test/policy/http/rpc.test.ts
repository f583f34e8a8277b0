import { describe, expect, test } from "vitest";
import { readRpc } from "../../../src/policy/http/mod.ts";
import type { McpRule } from "../../../src/policy/mod.ts";
import { allowing, asking, denying, judgeMessage, judgeSent, type Sent } from "./support.ts";

const verdict = async (section: Parameters<typeof judgeSent>[0], sent: Sent) =>
  (await judgeSent(section, sent)).verdict;
const call = (method: string, params?: unknown, id: unknown = 1) => ({
  jsonrpc: "2.0",
  ...(id === undefined ? {} : { id }),
  method,
  ...(params === undefined ? {} : { params }),
});
const tool = (name: unknown, args?: unknown) =>
  call("tools/call", { name, ...(args === undefined ? {} : { arguments: args }) });
const fromHost = (value: Parameters<typeof readRpc>[0]) => {
  const messages = readRpc(value, "from-host");
  if ("problem" in messages) return expect.unreachable(messages.problem);
  return { language: "rpc", item: messages[0] ?? expect.unreachable() } as const;
};

describe("a rule that allows JSON-RPC", () => {
  const rules = allowing({ jsonrpc: { methods: ["get*", "wallet/*"], params: { "0": { in: ["a", "b"] } } } });

  test("takes methods and parameters that it means, alone and in batches", async () => {
    expect(await judgeSent(rules, { body: call("getIt", ["a"]) })).toEqual({
      verdict: "allow",
      ruleId: "it",
      read: true,
    });
    expect(await verdict(rules, { body: [call("getIt", ["a"]), call("wallet/x", ["b", 1], undefined)] })).toBe("allow");
    expect(await verdict(rules, { body: { jsonrpc: "2.0", id: 1, result: {} } })).toBe("allow");
  });

  test.each<[string, Sent]>([
    ["another method", { body: call("setIt", ["a"]) }],
    ["another parameter", { body: call("getIt", ["c"]) }],
    ["no parameters", { body: call("getIt") }],
    ["parameters that are no structure", { body: call("getIt", "a") }],
    ["a batch that hides one", { body: [call("getIt", ["a"]), call("setIt", ["a"])] }],
    ["an empty batch", { body: [] }],
    ["a batch in a batch", { body: [[call("getIt", ["a"])]] }],
    ["a long batch", { body: Array.from({ length: 65 }, () => call("getIt", ["a"])) }],
    ["another version", { body: { ...call("getIt", ["a"]), jsonrpc: "1.0" } }],
    ["a member that is not known", { body: { ...call("getIt", ["a"]), Method: "setIt" } }],
    ["names that come twice", { body: '{"jsonrpc":"2.0","id":1,"method":"getIt","params":["a"],"method":"setIt"}' }],
    ["a request that is an answer, too", { body: { ...call("getIt", ["a"]), result: 1 } }],
    ["an id that is an object", { body: call("getIt", ["a"], {}) }],
    ["a method that is no text", { body: call(5 as never, ["a"]) }],
    ["a method with a NUL", { body: call("getIt\0", ["a"]) }],
    ["another content type", { type: "text/plain", body: call("getIt", ["a"]) }],
    ["a call in the URL", { body: call("getIt", ["a"]), target: "/?method=setIt" }],
    ["a GET", { method: "GET", target: "/?method=getIt&params=[%22a%22]" }],
    ["a GET of nothing", { method: "GET" }],
    ["an empty POST", {}],
  ])("does not take %s", async (_, sent) => {
    expect(await verdict(rules, sent)).toBe("deny");
  });
});

describe("a rule that allows MCP", () => {
  const mcp: McpRule = { tools: ["search", "fs/*"], arguments: { path: "/workspace/**", "options.depth": { max: 3 } } };
  const rules = allowing({ mcp });
  const good = { path: "/workspace/a", options: { depth: 2 } };

  test("takes calls of its tools with arguments that match, and what goes along with them", async () => {
    for (const body of [
      tool("search", good),
      [tool("fs/read", { ...good, more: [1] })],
      call("initialize", {}),
      call("notifications/initialized", undefined, undefined),
      call("tools/list"),
      call("ping"),
      { jsonrpc: "2.0", id: 3, result: {} },
    ]) {
      expect([body, await verdict(rules, { body })]).toEqual([body, "allow"]);
    }
    expect(await verdict(rules, { method: "GET" })).toBe("allow");
    expect(await verdict(rules, { method: "DELETE" })).toBe("allow");
  });

  test.each<[string, Sent]>([
    ["another tool", { body: tool("delete", good) }],
    ["a tool of another folder", { body: tool("fs/a/b", good) }],
    ["a call without a tool", { body: call("tools/call", {}) }],
    ["a tool that is no text", { body: tool(["search"], good) }],
    ["no arguments", { body: tool("search") }],
    ["an argument that climbs", { body: tool("search", { ...good, path: "/workspace/../etc" }) }],
    ["an argument past its bound", { body: tool("search", { ...good, options: { depth: 4 } }) }],
    ["an argument that is missing", { body: tool("search", { path: "/workspace/a" }) }],
    ["a batch that hides another", { body: [tool("search", good), tool("delete", good)] }],
    ["another method", { body: call("resources/read", { uri: "file:///etc/passwd" }) }],
    [
      "two names of a tool",
      {
        body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","Name":"delete","arguments":{"path":"/workspace/a","options":{"depth":1}}}}',
      },
    ],
    ["a GET with a body", { method: "GET", body: tool("search", good) }],
    ["an OPTIONS", { method: "OPTIONS" }],
  ])("does not take %s", async (_, sent) => {
    expect(await verdict(rules, sent)).toBe("deny");
  });

  test("without tools takes every method, and with methods those", async () => {
    expect(await verdict(allowing({ mcp: {} }), { body: call("resources/read") })).toBe("allow");
    const reading = allowing({ mcp: { methods: ["resources/*"], tools: ["search"] } });
    expect(await verdict(reading, { body: call("resources/read") })).toBe("allow");
    expect(await verdict(reading, { body: tool("search") })).toBe("deny");
  });
});

describe("a rule that denies MCP", () => {
  const rules = denying({ paths: ["/mcp"], mcp: { tools: ["delete*"], arguments: { path: "/etc/**" } } });
  const at = (body: unknown): Sent => ({ target: "/mcp", body });

  test("denies calls of its tools with such an argument, in whatever spelling a server may understand", async () => {
    for (const args of [
      { path: "/etc/x" },
      { Path: "/etc/x" },
      { path: ["/tmp", "/etc/x"] },
      { path: "/a/../etc/x" },
    ]) {
      expect([args, await judgeSent(rules, at(tool("delete_it", args)))]).toMatchObject([
        args,
        { verdict: "deny", ruleId: "no" },
      ]);
    }
    expect(await verdict(rules, at([call("ping"), tool("delete", { path: "/etc/x" })]))).toBe("deny");
    expect(await verdict(rules, at(call("tools/call", { Name: "delete" })))).toBe("deny");
  });

  test("leaves everything else alone", async () => {
    for (const body of [
      tool("delete", { path: "/tmp/x" }),
      tool("search", { path: "/etc/x" }),
      call("tools/list"),
      call("initialize"),
    ]) {
      expect([body, await verdict(rules, at(body))]).toEqual([body, "allow"]);
    }
    expect(await verdict(rules, { method: "GET", target: "/mcp" })).toBe("allow");
  });

  test("denies what it cannot read", async () => {
    expect(await verdict(rules, { target: "/mcp", type: "text/plain", body: "x" })).toBe("deny");
    expect(await verdict(rules, at("{"))).toBe("deny");
  });
});

describe("rules on what a host says", () => {
  const sampling = fromHost({ jsonrpc: "2.0", id: 1, method: "sampling/createMessage", params: {} });
  const progress = fromHost({ jsonrpc: "2.0", method: "notifications/progress" });
  const answer = fromHost({ jsonrpc: "2.0", id: 1, result: {} });

  test("are needed for what it asks, beside pings and notifications of MCP", () => {
    const rules = allowing({ mcp: { tools: ["a"] } });
    expect(judgeMessage(rules, sampling)).toEqual({ verdict: "deny" });
    expect(judgeMessage(rules, progress)).toEqual({ verdict: "allow", ruleId: "it" });
    expect(judgeMessage(rules, answer)).toEqual({ verdict: "allow", ruleId: "it" });
    expect(judgeMessage(allowing({ jsonrpc: {} }), progress)).toEqual({ verdict: "deny" });
  });

  test("allow, ask and deny by their direction alone", async () => {
    const rule = { mcp: { methods: ["sampling/*"], direction: "from-host" } } as const;
    expect(judgeMessage(allowing({ mcp: {} }, rule), sampling).verdict).toBe("allow");
    expect(judgeMessage(denying(rule), sampling)).toEqual({ verdict: "deny", ruleId: "no" });
    expect(judgeMessage(denying(rule), progress)).toEqual({ verdict: "allow", ruleId: "all" });
    expect(judgeMessage(asking(rule), sampling)).toEqual({ verdict: "ask", ruleId: "ask" });
    // They say nothing about requests.
    expect(await verdict(denying(rule), { body: call("sampling/createMessage") })).toBe("allow");
    expect(await verdict(denying(rule), { type: "text/plain", body: "x" })).toBe("allow");
    expect(await verdict(allowing(rule), { body: call("sampling/createMessage") })).toBe("deny");
  });

  test("do not ask again about what an approver has let pass", () => {
    const rules = { ask: [{ id: "ask", host: "a.test", http: { rules: [{ paths: ["/**"] }] } }] };
    expect(judgeMessage(rules, sampling)).toEqual({ verdict: "allow", ruleId: "ask" });
  });
});

test("a request that is sound in one language is judged in it, and by denials in the other", async () => {
  const both = allowing({ graphql: {} }, { jsonrpc: {} });
  expect(await verdict(both, { body: call("x") })).toBe("allow");
  expect(await verdict(both, { body: { query: "{ a }" } })).toBe("allow");
  expect(await verdict(both, { body: { neither: 1 } })).toBe("deny");
  const hidden = { allow: both.allow ?? [], deny: denying({ graphql: { operations: ["mutation"] } }).deny ?? [] };
  expect(await verdict(hidden, { body: call("x"), target: "/?query=mutation{x}" })).toBe("deny");
});
