import { describe, expect, test } from "vitest";
import { z } from "zod";
import { combineRecipes, param, parseParams, parseParamsText, type RecipeOutput } from "../../src/mod.ts";
import { giving, withPolicy } from "./support.ts";

describe("param", () => {
  test.each<[keyof typeof param, readonly string[], readonly string[]]>([
    [
      "path",
      ["./docs", "docs/api", "a b", "./ünï"],
      [
        "..",
        "../up",
        "./a/../../b",
        "/etc/passwd",
        "~/.ssh",
        "*",
        "docs/**",
        "a\\b",
        ".",
        "./",
        "a\nb",
        "a\u0000",
        "a\u202eb",
        ".git/hooks",
        "x/.GIT",
        "",
        "!x",
        "{a,b}",
      ],
    ],
    [
      "host",
      ["api.example.com", "a-b.example.co"],
      [
        "*",
        "*.example.com",
        "**",
        "example",
        "127.0.0.1",
        "[::1]",
        "10.0.0.0/8",
        "Example.com",
        "a..b",
        "-a.example.com",
        "a.example.com.",
        "a.example.com:443",
        "https://a.example.com",
        "a.example.com/x",
        "а.example.com",
        "localhost",
      ],
    ],
    [
      "repository",
      ["acme/site", "a/b.c_d"],
      ["acme", "../x", "a/..", "a/.git", "a/b/c", "a/*", "a b/c", "*/*", "a/b?x"],
    ],
    [
      "url",
      ["https://example.com/v1", "http://127.0.0.1:8000/v1"],
      ["ftp://x.y", "https://u:p@x.y/", "https://x.y/?a=1", "javascript:alert(1)", "x"],
    ],
    [
      "registry",
      ["npm.example.com", "npm.example.com:4873"],
      ["npm.example.com:", "npm.example.com:0", "npm.example.com:65536", "npm.example.com:1:2", "*.a.b:1", "1.2.3.4:1"],
    ],
    ["model", ["claude-sonnet-5", "org/model:7b", "gpt-*", "*"], ["**", "a*b", " a", "../x"]],
    ["id", ["-100123", "42"], ["1e3", "", "0x1", "4 2"]],
    ["range", ["10.0.5.0/24", "10.0.5.7"], ["0.0.0.0/0", "10.0.0.0/4", "x", "*"]],
    ["folder", ["/opt/tool"], ["/", "//x", "opt", "/opt/../etc", "/opt/*", "~/x", "/a\nb"]],
    ["name", ["a.b-c"], ["", "-x", "a/b", "a b"]],
    ["text", ["a line"], ["two\nlines", "\u001b[2J", "\u202e"]],
  ])("%s takes one thing, and nothing wider", (kind, good, bad) => {
    const schema = (param[kind] as () => z.ZodType<string>)();
    for (const value of good) expect([value, schema.safeParse(value).success]).toEqual([value, true]);
    for (const value of bad) expect([value, schema.safeParse(value).success]).toEqual([value, false]);
    for (const value of [1, null, undefined, ["a"], {}]) expect(schema.safeParse(value).success).toBe(false);
  });
});

describe("a built policy is refused", () => {
  const network = (rule: object) => ({ network: { allow: [{ host: "a.example.com", binaries: ["curl"], ...rule }] } });
  test.each<[string, Parameters<typeof withPolicy>[0], RegExp]>([
    ["with a host that is everything", network({ host: "**" }), /cannot grant "\*\*"/],
    ["with every host of a domain of the top", network({ host: "*.com" }), /two labels/],
    ["with every address", network({ host: "0.0.0.0/0" }), /too wide/],
    ["with addresses of everywhere", network({ addresses: ["0.0.0.0/0"] }), /too wide/],
    ["with every port", network({ ports: "all" }), /name the ports/],
    ["with a rule for any program", { network: { allow: [{ host: "a.example.com" }] } }, /name the programs/],
    ["with a rule for every program", network({ binaries: ["/**"] }), /is every program/],
    ["with a question about everything", { network: { ask: [{ host: "**", binaries: ["curl"] }] } }, /cannot grant/],
    ["with private ranges for all rules", { network: { privateRanges: ["10.0.0.0/8"] } }, /every rule/],
    ["with the root", { filesystem: { read: ["/"] } }, /more than a recipe needs/],
    ["with the root by a glob", { filesystem: { read: ["/*/x"] } }, /more than a recipe needs/],
    ["with somebody's home", { filesystem: { read: ["/home/me/.ssh"] } }, /somebody's home/],
    ["with the superuser's home", { filesystem: { read: ["/root/.aws/sso"] } }, /somebody's home/],
    ["with the host's processes", { filesystem: { read: ["/proc/1"] } }, /the host's own/],
    ["with the engine's socket", { filesystem: { read: ["/var/run/docker.sock"] } }, /the host's own/],
    ["with writing to the host", { filesystem: { write: ["/opt/tool"] } }, /workspace, the sandbox's home or a volume/],
    ["with asking to write to the host", { filesystem: { ask: ["/srv/www/x"] } }, /workspace/],
    [
      "with a read that a write makes void",
      { filesystem: { write: ["."], read: ["./config"] } },
      /may be written anyway/,
    ],
    ["with every program", { process: { allow: ["*"] } }, /is every program/],
    [
      "with calls taken from everywhere",
      { inference: { routes: [{ models: ["*"], provider: "ollama" }], intercept: ["**"] } },
      /two labels/,
    ],
    ["with a path above", { filesystem: { read: ["./a/../.."] } }, /must not contain "\.\."/],
    ["with a name that deceives", { name: "safe\u202egnp" }, /invisible|control/],
  ])("%s", (_, policy, message) => {
    expect(() => withPolicy(policy).build({})).toThrow(message);
  });

  test.each<[string, Partial<RecipeOutput>, RegExp]>([
    ["that holds a secret", { env: { GH_TOKEN: "ghp_0123456789" } }, /holds no secret/],
    ["that holds one by another name", { env: { ACME_API_KEY: "k" } }, /holds no secret/],
    ["that has programs load code", { env: { LD_PRELOAD: "/workspace/x.so" } }, /run what this variable names/],
    [
      "whose packages are options",
      { image: { name: "node:22", packages: { npm: ["--registry=x"] } } },
      /a package of npm/,
    ],
    [
      "whose packages are commands",
      { image: { name: "node:22", packages: { apt: ["git; id"] } } },
      /a package of Debian/,
    ],
    ["whose image is an option", { image: "--privileged" }, /the name of an image/],
    ["whose command has an escape", { command: ["echo", "\u001b[2J"] }, /invisible character U\+001B/],
    ["whose volume climbs", { volumes: [{ name: "../x", path: "/data" }] }, /lower-case letters/],
  ])("a recipe is refused %s", (_, extra, message) => {
    expect(() => giving({ policy: { version: 1 }, ...extra }).build({})).toThrow(message);
  });

  test.each<[string, object, RegExp]>([
    ["volumes", { volumes: [{ name: "../x", path: "/etc" }] }, /lower-case letters/],
    ["an image", { image: { name: "--privileged" } }, /the name of an image/],
    ["variables", { env: { LD_PRELOAD: "/workspace/x.so" } }, /run what this variable names/],
    ["a policy", { policy: { version: 1, network: { allow: [{ host: "**" }] } } }, /cannot grant/],
    ["a policy without a prototype of its own", { policy: JSON.parse('{"version":1,"__proto__":{}}') }, /__proto__/],
  ])("combining does not take a built recipe's word for %s", (_, forged, message) => {
    const built = withPolicy({}).build({});
    expect(() => combineRecipes(built, { ...built, ...forged })).toThrow(message);
  });

  test("clients that want some key get one that is none", () => {
    expect(giving({ policy: { version: 1 }, env: { OPENAI_API_KEY: "unused" } }).build({}).env).toEqual({
      OPENAI_API_KEY: "unused",
    });
  });
});

describe("parameters that are documents", () => {
  const recipe = {
    name: "r",
    params: z.object({ list: z.array(z.string()), map: z.record(z.string(), z.string()), n: z.number() }),
  };
  const level = (name: string, below: string) => `${name}: &${name} [${`*${below},`.repeat(9)}]`;
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]", level("b", "a"), level("c", "b"), level("d", "c")].join("\n");

  test.each([
    ["a tag", "a: !!js/function x", /tags are not allowed/],
    ["a binary tag", "a: !!binary aGk=", /tags are not allowed/],
    ["an alias bomb", bomb, /aliases may repeat/],
    ["a key twice", "a: 1\na: 2", /given twice/],
    ["two documents", "a: 1\n---\nb: 2", /several/],
    ["a list", "[1]", /parameters are a map/],
    ["depth", `a: ${"[".repeat(64)}${"]".repeat(64)}`, /levels/],
  ])("%s is refused", (_, text, message) => {
    expect(() => parseParamsText(recipe, text)).toThrow(message);
  });

  test("prototypes are nobody's to set", () => {
    const taking = giving({ policy: { version: 1 } });
    for (const input of [
      JSON.parse('{"__proto__": {"x": 1}}'),
      { constructor: 1 },
      parseParamsText(recipe, "__proto__: 1"),
    ]) {
      expect(() => taking.build(input)).toThrow(/unknown/);
    }
    expect(() => taking.build(parseParams(taking, ["__proto__=1"]))).toThrow(/unknown/);
    expect(Object.getPrototypeOf({})).toHaveProperty("constructor", Object);
  });

  test("pairs are read by the kind of the parameter", () => {
    expect(parseParams(recipe, ["list=a=b", "list=c", "n=4"])).toEqual({ list: ["a=b", "c"], n: 4 });
    expect(parseParams(recipe, ["map={a: b}"])).toEqual({ map: { a: "b" } });
    expect(() => parseParams(recipe, ["n=1", "n=2"])).toThrow(/given twice/);
    expect(() => parseParams(recipe, ["=x"])).toThrow(/expected name=value/);
    expect(() => parseParams(recipe, ["n=!!js/function x"])).toThrow(/tags are not allowed/);
  });
});
