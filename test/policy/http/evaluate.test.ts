import { describe, expect, test } from "vitest";
import { type HttpRuling, readTarget } from "../../../src/policy/http/mod.ts";
import type { HttpAccess, HttpRule, NetworkSection } from "../../../src/policy/mod.ts";
import { judgeOf } from "./support.ts";

interface Options {
  readonly override?: string;
  readonly websocket?: boolean;
  readonly grpc?: boolean;
}

const judge = (
  network: NetworkSection,
  method: string,
  raw: string,
  { override, websocket = false, grpc = false }: Options = {},
): HttpRuling => {
  const target = readTarget(raw);
  if ("problem" in target) return expect.unreachable(target.problem);
  return judgeOf(network)({ method, target, websocket, grpc, ...(override === undefined ? {} : { override }) });
};
const access = (name: HttpAccess["access"]): NetworkSection => ({
  allow: [{ id: "it", host: "a.test", http: { access: name } }],
});
const allowing = (...rules: HttpRule[]): NetworkSection => ({ allow: [{ id: "it", host: "a.test", http: { rules } }] });
const denying = (...rules: HttpRule[]): NetworkSection => ({
  allow: [{ id: "all", host: "a.test" }],
  deny: [{ id: "no", host: "a.test", http: { rules } }],
});

describe("evaluateHttp()", () => {
  test.each<[HttpAccess["access"], [string, string][], [string, string][]]>([
    [
      "read-only",
      [
        ["GET", "/"],
        ["HEAD", "/"],
        ["OPTIONS", "/x"],
      ],
      [
        ["POST", "/"],
        ["DELETE", "/"],
        ["PROPFIND", "/"],
        ["PATCH", "/"],
      ],
    ],
    [
      "read-write",
      [
        ["GET", "/"],
        ["POST", "/"],
        ["PUT", "/"],
        ["PATCH", "/"],
      ],
      [
        ["DELETE", "/"],
        ["MKCOL", "/"],
      ],
    ],
    [
      "full",
      [
        ["GET", "/"],
        ["DELETE", "/"],
        ["PROPFIND", "/a"],
      ],
      [],
    ],
    [
      "git-read-only",
      [
        ["GET", "/me/it.git/info/refs?service=git-upload-pack"],
        ["POST", "/me/it.git/git-upload-pack"],
      ],
      [
        ["GET", "/me/it.git/info/refs?service=git-receive-pack"],
        ["GET", "/me/it.git/info/refs"],
        ["GET", "/me/it.git/info/refs?service=git-upload-pack&service=git-receive-pack"],
        ["POST", "/me/it.git/git-receive-pack"],
        ["GET", "/settings"],
        ["POST", "/git-upload-pack/../me/it.git/git-receive-pack"],
      ],
    ],
    [
      "git-read-write",
      [
        ["POST", "/it.git/git-receive-pack"],
        ["POST", "/it.git/git-upload-pack"],
      ],
      [["DELETE", "/it.git"]],
    ],
    [
      "npm-install",
      [
        ["GET", "/left-pad"],
        ["GET", "/@types%2fnode"],
        ["GET", "/@types/node/-/node-1.0.0.tgz"],
        ["POST", "/-/npm/v1/security/advisories/bulk"],
      ],
      [
        ["PUT", "/left-pad"],
        ["PUT", "/@me%2fit"],
        ["DELETE", "/it/-/it-1.0.0.tgz/-rev/1"],
        ["POST", "/-/v1/login"],
      ],
    ],
    [
      "pypi-install",
      [
        ["GET", "/simple/requests/"],
        ["HEAD", "/packages/a.whl"],
      ],
      [
        ["POST", "/legacy/"],
        ["PUT", "/x"],
      ],
    ],
  ])("knows what %s stands for", (name, allowed, denied) => {
    for (const [method, target] of allowed)
      expect([method, target, judge(access(name), method, target)]).toEqual([
        method,
        target,
        { verdict: "allow", ruleId: "it" },
      ]);
    for (const [method, target] of denied)
      expect([method, target, judge(access(name), method, target)]).toEqual([method, target, { verdict: "deny" }]);
  });

  test("matches paths by the one dialect of globs, decoded", () => {
    const rules = allowing({ methods: ["GET"], paths: ["/repos/*/*/contents/**", "/a b"] });
    expect(judge(rules, "GET", "/repos/me/it/contents/x/y").verdict).toBe("allow");
    expect(judge(rules, "GET", "/repos/me/it/contents").verdict).toBe("allow");
    expect(judge(rules, "GET", "/a%20b").verdict).toBe("allow");
    expect(judge(rules, "GET", "/repos/me/other/it/contents/x").verdict).toBe("deny");
    expect(judge(rules, "GET", "/repos/me%2Fother/it/contents/x").verdict).toBe("deny");
    expect(judge(rules, "POST", "/repos/me/it/contents/x").verdict).toBe("deny");
  });

  test("lets GET include HEAD, in both directions", () => {
    expect(judge(allowing({ methods: ["GET"] }), "HEAD", "/").verdict).toBe("allow");
    expect(judge(denying({ methods: ["GET"] }), "HEAD", "/").verdict).toBe("deny");
  });

  test("wants every value of a parameter that a rule names", () => {
    const rules = allowing({ query: { ref: "main", page: "*" } });
    expect(judge(rules, "GET", "/?ref=main&page=2&other=1").verdict).toBe("allow");
    for (const query of [
      "",
      "?ref=main",
      "?ref=dev&page=1",
      "?ref=main&ref=dev&page=1",
      "?ref=main%00&page=1",
      "?REF=main&page=1",
      // Some servers split at a semicolon, look at no case, or make lists and objects of brackets.
      "?x=1;ref=dev&ref=main&page=1",
      "?ref=main&page=1&Ref=dev",
      "?ref=main&page=1&ref[]=dev",
    ]) {
      expect([query, judge(rules, "GET", `/${query}`).verdict]).toEqual([query, "deny"]);
    }
  });

  test("denies where one value of a parameter matches, split as any server splits", () => {
    const rules = denying({ query: { admin: "1" } });
    for (const query of [
      "?admin=1",
      "?x=2&admin=1",
      "?admin=0&admin=1",
      "?x=2;admin=1",
      "?%61dmin=%31",
      "?admin=1;x",
      "?Admin=1",
      "?admin[]=1",
    ]) {
      expect([query, judge(rules, "GET", `/${query}`)]).toEqual([query, { verdict: "deny", ruleId: "no" }]);
    }
    expect(judge(rules, "GET", "/?admin=0")).toEqual({ verdict: "allow", ruleId: "all" });
  });

  test("judges every reading of a path, and takes the strictest", () => {
    const rules = allowing({ paths: ["/pub/**"] });
    expect(judge(rules, "GET", "/pub/a%2Fb").verdict).toBe("allow");
    expect(judge(rules, "GET", "/pub/..%2fadmin").verdict).toBe("deny");
    expect(judge(denying({ paths: ["/admin/**"] }), "GET", "/pub/..;/admin/x").verdict).toBe("deny");
  });

  test("judges a method that headers override as both", () => {
    expect(judge(access("read-write"), "POST", "/", { override: "DELETE" }).verdict).toBe("deny");
    expect(judge(access("full"), "POST", "/", { override: "DELETE" }).verdict).toBe("allow");
    expect(judge(denying({ methods: ["DELETE"] }), "POST", "/", { override: "DELETE" }).verdict).toBe("deny");
  });

  test("takes WebSockets for something else than requests", () => {
    const ws = { websocket: true };
    expect(judge(access("read-only"), "GET", "/", ws).verdict).toBe("deny");
    expect(judge(access("full"), "GET", "/", ws).verdict).toBe("allow");
    expect(judge(allowing({ methods: ["GET"] }), "GET", "/", ws).verdict).toBe("deny");
    expect(judge(allowing({ websocket: true, paths: ["/chat"] }), "GET", "/chat", ws).verdict).toBe("allow");
    expect(judge(allowing({ websocket: true, paths: ["/chat"] }), "GET", "/chat").verdict).toBe("deny");
    expect(judge(denying({ paths: ["/chat"] }), "GET", "/chat", ws).verdict).toBe("deny");
    expect(judge(denying({ websocket: true }), "GET", "/chat").verdict).toBe("allow");
  });

  test.each<[string, { service: string; methods?: string[] }, string, boolean]>([
    ["a service and a method", { service: "acme.v1.Users", methods: ["Get*"] }, "/acme.v1.Users/GetUser", true],
    ["another method", { service: "acme.v1.Users", methods: ["Get*"] }, "/acme.v1.Users/DeleteUser", false],
    ["any method", { service: "acme.v1.Users" }, "/acme.v1.Users/DeleteUser", true],
    ["another service", { service: "acme.v1.Users" }, "/acme.v1.Admin/GetUser", false],
    ["a star for one label", { service: "acme.*.Users" }, "/acme.v1.Users/GetUser", true],
    ["a star that would have to be two", { service: "acme.*" }, "/acme.v1.Users/GetUser", false],
    ["two stars for the rest", { service: "acme.**" }, "/acme.v1.Users/GetUser", true],
    ["another case", { service: "acme.v1.users" }, "/acme.v1.Users/GetUser", false],
    ["a path below it", { service: "**" }, "/acme.v1.Users/GetUser/x", false],
    ["a path above it", { service: "**" }, "/acme.v1.Users", false],
    ["an empty segment", { service: "acme.v1.Users" }, "//acme.v1.Users/GetUser", false],
    ["an encoded slash", { service: "acme.v1.Users" }, "/acme.v1.Users%2FGetUser", false],
    ["parameters that servers drop", { service: "**", methods: ["GetUser"] }, "/acme.v1.Users/GetUser;x", false],
  ])("takes calls of gRPC by %s", (_, grpc, path, allowed) => {
    expect(judge(allowing({ grpc }), "POST", path, { grpc: true }).verdict).toBe(allowed ? "allow" : "deny");
  });

  test("takes for a call of gRPC only a POST that says so, and denies the path whoever asks", () => {
    const call = { grpc: { service: "acme.v1.Users" } };
    const path = "/acme.v1.Users/GetUser";
    expect(judge(allowing(call), "POST", path).verdict).toBe("deny");
    expect(judge(allowing(call), "GET", path, { grpc: true }).verdict).toBe("deny");
    expect(judge(allowing(call), "POST", path, { grpc: true, override: "DELETE" }).verdict).toBe("deny");
    for (const how of [{}, { grpc: true }, { websocket: true }]) {
      for (const method of ["POST", "GET"]) expect(judge(denying(call), method, path, how).verdict).toBe("deny");
    }
    expect(judge(denying(call), "POST", "/acme.v1.Admin/GetUser", { grpc: true }).verdict).toBe("allow");
    // Whoever may post may call.
    expect(judge(access("read-write"), "POST", path, { grpc: true }).verdict).toBe("allow");
    expect(judge(access("read-only"), "POST", path, { grpc: true }).verdict).toBe("deny");
  });

  test("lets a denial come before an ask, and an ask before an allowance", () => {
    const network: NetworkSection = {
      allow: [{ id: "all", host: "a.test", http: { access: "full" } }],
      ask: [{ id: "ask", host: "a.test", http: { rules: [{ methods: ["POST"] }] } }],
      deny: [{ id: "no", host: "a.test", http: { rules: [{ paths: ["/admin"] }] } }],
    };
    expect(judge(network, "GET", "/x")).toEqual({ verdict: "allow", ruleId: "all" });
    expect(judge(network, "POST", "/x")).toEqual({ verdict: "ask", ruleId: "ask" });
    expect(judge(network, "POST", "/admin")).toEqual({ verdict: "deny", ruleId: "no" });
  });

  test("leaves to a hook what a rule defers, and what nothing matches to the section", () => {
    const deferring: NetworkSection = {
      allow: [{ id: "d", host: "a.test", http: { access: "read-only" }, defer: "hook" }],
      unmatched: "ask",
    };
    expect(judge(deferring, "GET", "/")).toEqual({ verdict: "ask", ruleId: "d", defer: "hook" });
    expect(judge(deferring, "POST", "/")).toEqual({ verdict: "ask" });
  });

  test("only records where a rule audits, and still denies what is denied", () => {
    const network: NetworkSection = {
      allow: [{ id: "try", host: "a.test", http: { access: "read-only" }, enforcement: "audit" }],
      deny: [{ id: "no", host: "a.test", http: { rules: [{ methods: ["DELETE"] }] } }],
    };
    expect(judge(network, "GET", "/")).toEqual({ verdict: "allow", ruleId: "try" });
    expect(judge(network, "POST", "/")).toEqual({ verdict: "allow", ruleId: "try", audited: true });
    expect(judge(network, "DELETE", "/")).toEqual({ verdict: "deny", ruleId: "no" });
  });
});
