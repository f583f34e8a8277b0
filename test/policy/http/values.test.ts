import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "../../../src/policy/http/mod.ts";
import { compileValues, valuePathProblem } from "../../../src/policy/http/values.ts";
import type { ValueConditions } from "../../../src/policy/mod.ts";

const every = (conditions: ValueConditions, value: Json) => compileValues(conditions).every(value);
const some = (conditions: ValueConditions, value: Json) => compileValues(conditions).some(value);

describe("compileValues()", () => {
  test.each<[ValueConditions, Json, Json]>([
    [{ path: "/workspace/**" }, { path: "/workspace/a/b" }, { path: "/etc/passwd" }],
    [{ path: "/workspace/*" }, { path: "/workspace/a" }, { path: "/workspace/a/b" }],
    [{ path: "/workspace/**" }, { path: "/workspace" }, { path: "/workspacex" }],
    [{ owner: "me" }, { owner: "me" }, { owner: "you" }],
    [{ count: { min: 1, max: 10 } }, { count: 10 }, { count: 10.5 }],
    [{ count: { max: 10 } }, { count: -3 }, { count: "3" }],
    [{ count: 3 }, { count: 3 }, { count: "3" }],
    [{ on: true }, { on: true }, { on: 1 }],
    [{ to: null }, { to: null }, {}],
    [{ mode: { in: ["a*", 7, false] } }, { mode: "a*" }, { mode: "ab" }],
    [{ mode: { in: ["a*", 7, false] } }, { mode: 7 }, { mode: "7" }],
    [{ "a.b.c": "x" }, { a: { b: { c: "x" } } }, { a: { b: [{ c: "x" }] } }],
    [{ "files.*.path": "./**" }, { files: [{ path: "./a" }, { path: "./b" }] }, { files: [{ path: "./a" }, {}] }],
    [{ "files.*": "./*" }, { files: ["./a"] }, { files: [] }],
    [{ "files.0": "a" }, { files: ["a", "b"] }, { files: ["b", "a"] }],
    [{ "0": "a" }, ["a"], ["b"]],
    [{ "a\\.b": "x" }, { "a.b": "x" }, { a: { b: "x" } }],
    [{ "\\*": "x" }, { "*": "x" }, { y: "x" }],
    [{ a: "x", b: "y" }, { a: "x", b: "y", c: 1 }, { a: "x" }],
    [{ constructor: "x" }, { constructor: "x" }, {}],
    [{ __proto___: "x" }, { __proto___: "x" }, {}],
  ])("%j takes %j and not %j", (conditions, good, bad) => {
    expect(every(conditions, good)).toBe(true);
    expect(every(conditions, bad)).toBe(false);
  });

  test("lets no star stand for a text that another reader takes for another path", () => {
    for (const path of [
      "/workspace/../etc/passwd",
      "/workspace/a/..",
      "/workspace/./a",
      "/workspace/..\\..\\etc",
      "/workspace/a\0/../../etc",
      "/workspace/x\0.md",
    ]) {
      expect([path, every({ path: "/workspace/**" }, { path })]).toEqual([path, false]);
    }
    expect(every({ path: ".." }, { path: ".." })).toBe(true);
  });

  test.each<[ValueConditions, Json]>([
    [{ path: "/etc/**" }, { path: "/workspace/../etc/passwd" }],
    [{ path: "/etc/**" }, { path: "//etc//passwd" }],
    [{ path: "/etc/**" }, { Path: "/etc/passwd" }],
    [{ path: "/etc/*" }, { path: ["/tmp/x", "/etc/passwd"] }],
    [{ path: "/etc/*" }, { path: { deep: [{ er: "/etc/passwd" }] } }],
    [{ path: "/etc/passwd" }, { path: "/etc/passwd" }],
    [{ path: "*.key" }, { path: "x.key\0.md" }],
    [{ force: true }, { force: "true" }],
    [{ count: { min: 100 } }, { count: "1e3" }],
    [{ count: 5 }, { count: "5" }],
    [{ "files.path": "x" }, { files: [{ path: "x" }] }],
    [{ "files.*.path": "x" }, { files: [{ path: "y" }, { PATH: "x" }] }],
  ])("denies by %j what %j could be taken for", (conditions, value) => {
    expect(some(conditions, value)).toBe(true);
  });

  test("denies nothing that does not match", () => {
    expect(some({ path: "/etc/**" }, { path: "/workspace/etc" })).toBe(false);
    expect(some({ path: "/etc/**", force: true }, { path: "/etc/x" })).toBe(false);
    expect(some({ count: { min: 100 } }, { count: "" })).toBe(false);
  });

  test("denies whatever it would allow", () => {
    const condition = fc.oneof(
      fc.constantFrom("a", "a*", "/x/**", "**"),
      fc.integer({ min: 0, max: 9 }),
      fc.boolean(),
      fc.constant(null),
      fc.record({ min: fc.integer({ min: 0, max: 9 }) }),
      fc.record({
        in: fc.array(fc.oneof(fc.constantFrom("a", "b"), fc.integer({ min: 0, max: 9 })), { minLength: 1 }),
      }),
    );
    const value = fc.letrec<{ json: Json }>((tie) => ({
      json: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom<Json>("a", "ab", "/x", "/x/y", "b", true, false, null),
        fc.integer({ min: 0, max: 9 }),
        fc.array(tie("json"), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom("a", "b"), tie("json"), { maxKeys: 2 }),
      ),
    })).json;
    const path = fc.constantFrom("a", "b", "a.b", "a.*", "*", "*.a", "0", "a.0");
    fc.assert(
      fc.property(fc.dictionary(path, condition, { minKeys: 1, maxKeys: 2 }), value, (conditions, json) => {
        if (every(conditions as ValueConditions, json)) expect(some(conditions as ValueConditions, json)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("valuePathProblem()", () => {
  test.each(["", "a..b", ".a", "a.", "a*.b", "**", "a\\b", "a\\"])("refuses %j", (path) => {
    expect(valuePathProblem(path)).toBeTypeOf("string");
  });

  test.each(["a", "a.b", "*", "a.*.b", "a\\.b", "a\\*b", "\\\\", "0"])("takes %j", (path) => {
    expect(valuePathProblem(path)).toBeUndefined();
  });
});
