import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parsePolicy } from "../../src/policy/mod.ts";
import { failure, issuesOf, placesOf } from "./helpers.ts";

const MIB = 2 ** 20;

describe("parsePolicy() on hostile YAML", () => {
  let pollution: PropertyDescriptor | undefined;
  beforeAll(() => {
    pollution = Object.getOwnPropertyDescriptor(Object.prototype, "polluted");
  });
  afterAll(() => {
    expect(Object.getOwnPropertyDescriptor(Object.prototype, "polluted")).toEqual(pollution);
  });

  test("refuses aliases that multiply (billion laughs)", () => {
    const levels = Array.from({ length: 9 }, (_, n) => `k${n + 1}: &k${n + 1} [${Array(9).fill(`*k${n}`).join(", ")}]`);
    expect(issuesOf(`version: 1\nk0: &k0 [lol]\n${levels.join("\n")}\n`)[0]).toContain(
      "aliases may repeat at most 100",
    );
  });

  test("refuses one large node that is repeated", () => {
    const paths = Array(1500).fill("x").join(", ");
    const text = `version: 1\na: &a [${paths}]\nb: [${Array(99).fill("*a").join(", ")}]`;
    expect(issuesOf(text).some((issue) => issue.includes("at most 100000 values"))).toBe(true);
  });

  test("takes a few aliases", () => {
    const policy = parsePolicy("version: 1\nfilesystem:\n  read: &paths [./src]\n  write: *paths\n");
    expect(policy.filesystem?.write).toEqual(["./src"]);
  });

  test("refuses an alias of what contains it", () => {
    expect(issuesOf("version: 1\nfilesystem: &x { read: *x }")[0]).toContain("nests at most 32 levels");
  });

  test("refuses an alias of nothing", () => {
    expect(issuesOf("version: 1\nname: *nothing")).toHaveLength(1);
  });

  test("refuses duplicate keys, each with its place", () => {
    expect(placesOf("version: 1\nprocess: { allow: [a, { binary: x, binary: y }] }\nname: a\nname: b\n")).toEqual([
      "2:36 process.allow[1].binary",
      "4:1 name",
    ]);
  });

  test("refuses duplicate keys in JSON", () => {
    expect(issuesOf('{"version": 1, "name": "a", "na\\u006de": "b"}')).toEqual(["name: this key is given twice"]);
  });

  test.each(["!foo x", "!!binary aGk=", "!!js/function x", "!<tag:example.com,2000:x> y", "!!set { a }", "!e!x y"])(
    "refuses the tag of %s",
    (value) => {
      const error = failure("POLICY_INVALID", () => parsePolicy(`version: 1\nname: ${value}`));
      expect(error.details.issues[0]).toMatchObject({ line: 2, column: 7 });
      expect(error.message).toContain("tags are not allowed");
    },
  );

  test("does not merge", () => {
    expect(issuesOf("version: 1\nx: &x { name: a }\n<<: *x\n")).toHaveLength(2);
  });

  test("refuses YAML 1.1, where no is false and merges are on", () => {
    expect(issuesOf("%YAML 1.1\n---\nversion: 1\nname: no\n")).toEqual([": a policy is YAML 1.2, found 1.1"]);
    expect(parsePolicy("%YAML 1.2\n---\nversion: 1\nname: no\n").name).toBe("no");
  });

  test("refuses a second document", () => {
    expect(placesOf("version: 1\n---\nversion: 1\n")).toHaveLength(1);
  });

  test("refuses keys that are no texts", () => {
    expect(issuesOf("version: 1\n? [a, b]\n: 1\n")).toHaveLength(1);
  });

  test.each(["__proto__: { polluted: 1 }", "constructor: { prototype: { polluted: 1 } }", '"toString": 1'])(
    "treats %s as an unknown key",
    (line) => {
      expect(issuesOf(`version: 1\n${line}`)[0]).toContain("unknown key");
      expect(issuesOf(`version: 1\nfilesystem:\n  ${line}`)[0]).toContain("unknown key");
    },
  );

  test("does not pass over __proto__ where any key may stand", () => {
    const text = "version: 1\nnetwork: { allow: [{ host: a.b, http: { rules: [{ query: { __proto__: x } }] } }] }";
    expect(issuesOf(text)).toEqual(['network.allow[0].http.rules[0].query.__proto__: unknown key "__proto__"']);
  });

  test.each([
    ["a text past 1 MiB", "# ".repeat(MIB / 2 + 1)],
    ["a text past 1 MiB in bytes only", "é".repeat(MIB / 2 + 1)],
    // Without a bound, the composer recurses until the regular expressions of V8 end the process.
    ["1 MiB of [", "[".repeat(MIB)],
    ["1 MiB of nested lists", "- ".repeat(MIB / 2)],
    ["1 MiB of nested maps", "{a: ".repeat(MIB / 4)],
    ["1 MiB of ? ", "? ".repeat(MIB / 2)],
    ["1 MiB of }", "}".repeat(MIB)],
    ["1 MiB of line ends", "\n".repeat(MIB)],
    ["1 MiB of anchors", "&a\n".repeat(MIB / 3)],
    ["1 MiB of tags", "!a".repeat(MIB / 2)],
    ["1 MiB of documents", "---\n".repeat(MIB / 4)],
    ["1 MiB of an open quote", `'${"a".repeat(MIB - 1)}`],
    ["100000 keys", Array.from({ length: 90_000 }, (_, n) => `k${n}: 1`).join("\n")],
    ["a number of 1 MiB", `version: ${"1".repeat(MIB - 10)}`],
  ])("refuses %s before anyone waits", (_, text) => {
    const start = performance.now();
    const error = failure("POLICY_INVALID", () => parsePolicy(text));
    expect(error.details.issues.length).toBeLessThanOrEqual(100);
    expect(error.message.length).toBeLessThan(10_000);
    // A bound on a hang, not on speed.
    expect(performance.now() - start).toBeLessThan(30_000);
  });
});
