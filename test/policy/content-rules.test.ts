import { describe, expect, test } from "vitest";
import { type HttpRule, normalizePolicy, parsePolicy } from "../../src/policy/mod.ts";
import { issuesOf } from "./helpers.ts";

const policy = (list: "allow" | "deny" | "ask", rule: unknown) => {
  return { version: 1, network: { [list]: [{ host: "a.test", http: { rules: [rule] } }] } };
};
const issues = (rule: unknown, list: "allow" | "deny" | "ask" = "allow") => {
  return issuesOf(policy(list, rule)).map((issue) => issue.replace(/^network\.\w+\[0\]\.http\.rules\[0\]\.?/, ""));
};

const SOUND: readonly HttpRule[] = [
  { graphql: { operations: ["query", "mutation", "subscription"], names: ["Get*"], fields: ["viewer"] } },
  { graphql: { persisted: ["a".repeat(64)], names: ["A"] } },
  { graphql: {}, methods: ["POST"], paths: ["/graphql"], query: { a: "b" } },
  {
    jsonrpc: {
      methods: ["eth_*"],
      params: { "0": "0x*", "*.a": { in: [1, "x", null, true] } },
      direction: "from-host",
    },
  },
  { mcp: { methods: ["tools/**"], tools: ["fs/*"], arguments: { path: "/w/**", "a\\.b": 3, n: { min: 1, max: 2 } } } },
  { mcp: { direction: "from-host", methods: ["sampling/*"] } },
  {
    websocket: true,
    messages: [
      {
        direction: "to-host",
        kind: "text",
        text: ["a*"],
        json: { type: "x" },
        jsonrpc: { methods: ["a"], params: { "0": "b" } },
      },
      { kind: "binary", direction: "from-host" },
      {},
    ],
  },
];

describe("rules on content", () => {
  test.each(SOUND.map((rule) => [JSON.stringify(rule), rule] as const))(
    "are taken as they are, everywhere: %s",
    (_, rule) => {
      for (const list of ["allow", "deny", "ask"] as const) {
        const parsed = parsePolicy(JSON.stringify(policy(list, rule)));
        expect(normalizePolicy(parsed).network[list][0]?.http).toEqual({ rules: [rule] });
      }
    },
  );

  test.each<[unknown, string]>([
    [{ graphql: { operation: ["query"] } }, 'graphql.operation: unknown key "operation": did you mean "operations"?'],
    [{ graphql: { operations: ["queries"] } }, "graphql.operations[0]: expected"],
    [{ graphql: { fields: [] } }, "graphql.fields: "],
    [{ graphql: { fields: ["{x}"] } }, 'graphql.fields[0]: cannot use "{x}"'],
    [{ graphql: { persisted: ["abc"] } }, "graphql.persisted[0]: "],
    [
      { graphql: { persisted: ["a".repeat(64)], operations: ["query"] } },
      "graphql.persisted: a document that is not sent",
    ],
    [{ graphql: {}, mcp: {} }, 'mcp: a rule is about one kind of content: "graphql" is given'],
    [{ websocket: true, jsonrpc: {} }, 'jsonrpc: a WebSocket has "messages"'],
    [{ messages: [{}] }, 'messages: only WebSockets have them: add "websocket"'],
    [
      { websocket: true, messages: [{ kind: "binary", json: { a: 1 } }] },
      'messages[0].json: a binary message has no "json"',
    ],
    [{ mcp: { direction: "from-host", tools: ["x"] } }, "mcp.direction: a host calls no tools"],
    [{ mcp: { arguments: { "a..b": 1 } } }, "mcp.arguments"],
    [{ mcp: { arguments: { a: { min: "1" } } } }, "mcp.arguments.a"],
    [{ mcp: { arguments: { a: { in: [] } } } }, "mcp.arguments.a"],
    [{ mcp: { arguments: { a: { matches: "x" } } } }, "mcp.arguments.a"],
    [{ jsonrpc: { direction: "both" } }, "jsonrpc.direction: expected"],
  ])("are refused where they are not sound: %j", (rule, start) => {
    const found = issues(rule);
    expect(
      found.some((issue) => issue.startsWith(start)),
      found.join("\n"),
    ).toBe(true);
    expect(issues(rule, "deny").length).toBeGreaterThan(0);
  });
});
