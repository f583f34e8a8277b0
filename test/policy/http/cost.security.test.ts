import { describe, expect, test } from "vitest";
import { evaluateHttp, type HttpFacts, type RequestRule, readTarget } from "../../../src/policy/http/mod.ts";

/** A path that servers read in several ways. */
const target = readTarget("/a;b%2F%5C/a;b%2F%5C");
if ("problem" in target) throw new Error(target.problem);

const graphql = (field: string) => ({ operation: "query", name: undefined, field, sha256: "0".repeat(64) }) as const;

describe("evaluateHttp()", () => {
  test("looks for a rule's target once for each reading, and not for each thing that a request says", () => {
    let looks = 0;
    const counted = {
      ...target,
      get query() {
        looks++;
        return "?a=1";
      },
    };
    const rules: RequestRule[] = [
      { verdict: "allow", ruleId: "r", http: { rules: [{ query: { a: "1" }, graphql: { fields: ["f*"] } }] } },
    ];
    const said = Array.from({ length: 500 }, (_, at) => graphql(`f${at}`));
    const facts: HttpFacts = { method: "POST", target: counted, websocket: false, content: { graphql: said } };
    expect(evaluateHttp(rules, "deny", facts)).toEqual({ verdict: "allow", ruleId: "r" });
    // To see what had to be read, and to judge.
    expect(looks).toBeLessThanOrEqual(2 * target.readings.length);
  });

  test("looks through what is said once, and not for each reading of the path", () => {
    let looks = 0;
    const params = new Proxy([], {
      get: (list, key) => {
        if (key === "length") looks++;
        return Reflect.get(list, key);
      },
    });
    const message = { direction: "to-host", form: "request", method: "m", id: 1, params, tool: undefined } as const;
    const rules: RequestRule[] = [
      { verdict: "allow", ruleId: "all" },
      { verdict: "deny", ruleId: "no", http: { rules: [{ jsonrpc: { params: { "*": "/x/**" } } }] } },
    ];
    const facts: HttpFacts = { method: "POST", target, websocket: false, content: { rpc: [message] } };
    expect(evaluateHttp(rules, "deny", facts)).toEqual({ verdict: "allow", ruleId: "all" });
    expect(looks).toBeGreaterThan(0);
    const once = looks;
    evaluateHttp(rules, "deny", facts);
    expect(looks).toBe(once);
  });

  test("holds a request for the worst in a language that it was not read in, as before a change of the policy", () => {
    const rules: RequestRule[] = [
      { verdict: "allow", ruleId: "g", http: { rules: [{ graphql: { fields: ["viewer"] } }] } },
      { verdict: "deny", ruleId: "no", http: { rules: [{ jsonrpc: { methods: ["m"] } }] } },
    ];
    const content = { graphql: [graphql("viewer")] };
    const facts: HttpFacts = { method: "POST", target, websocket: false, content };
    expect(evaluateHttp(rules, "deny", facts)).toEqual({ verdict: "deny", ruleId: "no" });
    expect(evaluateHttp(rules.slice(0, 1), "deny", facts)).toEqual({ verdict: "allow", ruleId: "g" });
  });
});
