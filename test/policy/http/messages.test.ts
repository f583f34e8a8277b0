import { describe, expect, test } from "vitest";
import type { MessageRule, NetworkSection } from "../../../src/policy/mod.ts";
import { allowing, asking, denying, judgeMessage, judgeOf } from "./support.ts";

const message = (text: string, direction: "to-host" | "from-host" = "to-host") => {
  return { language: "message", item: { direction, kind: "text", text } } as const;
};
const binary = (text: string | undefined, direction: "to-host" | "from-host" = "to-host") => {
  return { language: "message", item: { direction, kind: "binary", text } } as const;
};
const judge = (section: NetworkSection, said: Parameters<typeof judgeMessage>[1]) =>
  judgeMessage(section, said, true).verdict;
const rule = (...messages: MessageRule[]) => ({ websocket: true, messages }) as const;
const target = { path: "/", query: "", readings: ["/"] };
const handshake = (section: NetworkSection) => judgeOf(section)({ method: "GET", target, websocket: true });

describe("rules on messages of WebSockets", () => {
  test("let the handshake pass where they allow or ask, and where they deny", () => {
    const one = rule({ kind: "text" });
    expect(handshake(allowing(one))).toEqual({ verdict: "allow", ruleId: "it" });
    expect(handshake(denying(one))).toEqual({ verdict: "allow", ruleId: "all" });
    expect(handshake({ ask: [{ id: "ask", host: "a.test", http: { rules: [one] } }] })).toEqual({
      verdict: "allow",
      ruleId: "ask",
    });
    expect(judgeOf(denying(one))({ method: "GET", target, websocket: false }).verdict).toBe("allow");
  });

  test("allow by direction, kind and text", () => {
    const rules = allowing(
      rule({ direction: "to-host", kind: "text", text: ["hello *", "/a/**"] }, { direction: "from-host" }),
    );
    expect(judge(rules, message("hello you"))).toBe("allow");
    expect(judge(rules, message("/a/b/c"))).toBe("allow");
    expect(judge(rules, message("goodbye"))).toBe("deny");
    expect(judge(rules, message("goodbye", "from-host"))).toBe("allow");
    expect(judge(rules, binary("hello you"))).toBe("deny");
    expect(judge(rules, binary(undefined, "from-host"))).toBe("allow");
  });

  test("allow by what JSON says, and by calls in JSON-RPC", () => {
    const rules = allowing(
      rule(
        { json: { type: { in: ["subscribe", "ping"] }, "topic.name": "public/**" } },
        { jsonrpc: { methods: ["eth_get*"] } },
      ),
    );
    expect(judge(rules, message('{"type":"subscribe","topic":{"name":"public/a/b"}}'))).toBe("allow");
    expect(judge(rules, message('{"type":"subscribe","topic":{"name":"private"}}'))).toBe("deny");
    expect(judge(rules, message('{"type":"ping","type":"admin","topic":{"name":"public/a"}}'))).toBe("deny");
    expect(judge(rules, message('{"jsonrpc":"2.0","id":1,"method":"eth_getBalance"}'))).toBe("allow");
    expect(judge(rules, message('{"jsonrpc":"2.0","id":1,"result":1}', "from-host"))).toBe("allow");
    expect(judge(rules, message('{"jsonrpc":"2.0","id":1,"method":"eth_send"}'))).toBe("deny");
    expect(judge(rules, message("no JSON"))).toBe("deny");
  });

  test("deny what matches, or may match, as text or as bytes", () => {
    const rules = denying(rule({ direction: "to-host", json: { op: "admin" } }));
    expect(judge(rules, message('{"op":"read"}'))).toBe("allow");
    expect(judge(rules, message('{"op":"admin"}', "from-host"))).toBe("allow");
    for (const said of [
      message('{"op":"admin"}'),
      message('{"Op":"admin"}'),
      message('{"op":"read","op":"admin"}'),
      message("no JSON"),
      binary('{"op":"admin"}'),
      binary(undefined),
    ]) {
      expect([said, judge(rules, said)]).toEqual([said, "deny"]);
    }
  });

  test("deny by a text, also one that comes as bytes", () => {
    const rules = denying(rule({ text: ["secret*"] }));
    expect(judge(rules, message("secret thing"))).toBe("deny");
    expect(judge(rules, binary("secret thing"))).toBe("deny");
    expect(judge(rules, message("a secret"))).toBe("allow");
  });

  test("ask about what matches, and deny what they cannot read", () => {
    const rules = asking(rule({ jsonrpc: { methods: ["send"] } }));
    expect(judge(rules, message('{"jsonrpc":"2.0","id":1,"method":"send"}'))).toBe("ask");
    expect(judge(rules, message('{"jsonrpc":"2.0","id":1,"method":"get"}'))).toBe("allow");
    expect(judge(rules, message("{"))).toBe("deny");
  });

  test("mean every message where they name none", () => {
    expect(judge(allowing({ websocket: true }), binary(undefined))).toBe("allow");
  });
});
