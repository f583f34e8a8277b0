import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { connectionTable, evaluateConnection, type NetworkSection } from "../../src/policy/mod.ts";
import { normalized } from "./helpers.ts";

const PLACES = { workspace: "/workspace", home: "/home/agent" };

function decide(network: NetworkSection, host: string, port = 443, binary = "/usr/bin/curl") {
  return evaluateConnection(connectionTable(normalized({ network }), PLACES), { host, port, binary });
}

describe("evaluateConnection()", () => {
  test.each([
    ["a.test", "a.test", true],
    ["A.Test", "a.test", true],
    ["a.test", "b.a.test", false],
    ["*.a.test", "b.a.test", true],
    ["*.a.test", "a.test", false],
    ["*.a.test", "c.b.a.test", false],
    ["**.a.test", "c.b.a.test", true],
    ["**", "anything.test", true],
    ["**", "192.0.2.1", false],
    ["*.*.*.*", "192.0.2.1", false],
    ["192.0.2.1", "192.0.2.1", true],
    ["192.0.2.1", "192.0.2.11", false],
    ["192.0.2.0/24", "192.0.2.11", true],
    ["192.0.2.0/24", "192.0.3.1", false],
    ["192.0.2.0/24", "192.0.2.1.evil.test", false],
    ["0.0.0.0/0", "a.test", false],
    ["[2001:DB8::1]", "2001:db8::1", true],
    ["2001:db8::/32", "2001:db8::7", true],
    ["2001:db8::/32", "2001:db9::7", false],
    ["**", "2001:db8::1", false],
  ])("a rule for %s and %s: %s", (pattern, host, matches) => {
    expect(decide({ allow: [{ host: pattern }] }, host).verdict).toBe(matches ? "allow" : "deny");
  });

  test("ports are 443 unless they are given, and every one for a denial", () => {
    expect(decide({ allow: [{ host: "a.b" }] }, "a.b", 80).verdict).toBe("deny");
    expect(decide({ allow: [{ host: "a.b", ports: [80, 81] }] }, "a.b", 81).verdict).toBe("allow");
    expect(decide({ allow: [{ host: "a.b", ports: "all" }] }, "a.b", 5).verdict).toBe("allow");
    expect(decide({ allow: [{ host: "a.b", ports: "all" }], deny: [{ host: "a.b" }] }, "a.b", 5).verdict).toBe("deny");
  });

  test.each([
    ["curl", "/usr/bin/curl", true],
    ["curl", "/workspace/curl", true],
    ["curl", "/usr/bin/curl2", false],
    ["/usr/bin/*", "/usr/bin/curl", true],
    ["./bin/*", "/workspace/bin/x", true],
    ["~/bin/x", "/home/agent/bin/x", true],
    ["curl", "", false],
  ])("programs: %s and %s: %s", (pattern, binary, matches) => {
    const { verdict } = decide({ allow: [{ host: "a.b", binaries: [pattern] }] }, "a.b", 443, binary);
    expect(verdict).toBe(matches ? "allow" : "deny");
  });

  test("deny comes before ask before allow, whatever the order, and the first of its kind is named", () => {
    const host = "a.b";
    const rules = {
      allow: [{ id: "x", host }],
      ask: [
        { id: "y", host },
        { id: "z", host },
      ],
      deny: [{ id: "d", host }],
    };
    expect(decide(rules, host)).toMatchObject({ verdict: "deny", ruleId: "d" });
    expect(decide({ ...rules, deny: [] }, host)).toMatchObject({ verdict: "ask", ruleId: "y" });
    expect(decide({ allow: rules.allow }, host)).toMatchObject({ verdict: "allow", ruleId: "x" });
    expect(decide({ allow: [{ host, defer: "hook" }] }, host)).toMatchObject({ verdict: "ask", defer: "hook" });
    expect(decide({ unmatched: "ask" }, host)).toEqual({ verdict: "ask", addresses: [], inspects: false });
  });

  test("addresses add up: of the section, of the rules that match, and of an address that is a host", () => {
    const network: NetworkSection = {
      privateRanges: ["10.0.0.0/8"],
      allow: [
        { host: "a.b", addresses: ["127.0.0.1"] },
        { host: "*.b", addresses: ["FE80::/10"] },
        { host: "c.d", addresses: ["192.168.0.0/16"] },
        { host: "192.168.1.1" },
      ],
    };
    expect(decide(network, "a.b").addresses).toEqual(["10.0.0.0/8", "127.0.0.1", "fe80::/10"]);
    expect(decide(network, "192.168.1.1").addresses).toEqual(["10.0.0.0/8", "192.168.1.1"]);
  });

  test("a range lists what it holds if all of it is private", () => {
    expect(decide({ allow: [{ host: "10.0.0.0/8" }] }, "10.1.2.3").addresses).toEqual(["10.0.0.0/8"]);
    expect(decide({ allow: [{ host: "0.0.0.0/0" }] }, "169.254.169.254")).toMatchObject({
      verdict: "allow",
      addresses: [],
    });
    expect(decide({ allow: [{ host: "[fd00::1]" }] }, "fd00::1").addresses).toEqual(["fd00::1"]);
  });

  test("a denial more never allows anything", () => {
    const host = fc.constantFrom("a.b", "*.b", "**", "c.d", "192.0.2.1");
    const list = fc.array(fc.record({ host, ports: fc.constantFrom([80], [443], "all" as const) }), { maxLength: 3 });
    fc.assert(
      fc.property(list, list, list, fc.constantFrom("a.b", "c.d", "x.b", "192.0.2.1"), (allow, deny, more, asked) => {
        const before = decide({ allow, deny }, asked).verdict;
        const after = decide({ allow, deny: [...deny, ...more] }, asked).verdict;
        expect(after === "deny" || after === before).toBe(true);
      }),
    );
  });
});
