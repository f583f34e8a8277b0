import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readJson, readText } from "../../../src/policy/http/mod.ts";

describe("readJson()", () => {
  test("reads what JSON.parse() reads, for every value without names that fold into one", () => {
    fc.assert(
      fc.property(fc.jsonValue({ depthSize: "small" }), (value) => {
        const text = JSON.stringify(value);
        const read = readJson(text);
        if ("value" in read) expect(read.value).toEqual(JSON.parse(text));
        else expect(read.problem).toMatch(/name twice|surrogate/);
      }),
    );
  });

  test("refuses every object with a name twice, wherever and however it is written", () => {
    const spell = (name: string) => {
      return fc.constantFrom(
        JSON.stringify(name),
        `"${[...name].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")}"`,
        JSON.stringify(name.toUpperCase()),
      );
    };
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{1,8}$/), fc.jsonValue(), fc.nat(5), (name, other, depth) => {
        const [first = "", second = ""] = fc.sample(spell(name), 2);
        const object = `{${first}:1, "zz_": ${JSON.stringify({ x: other })} ,\n${second} : [2]}`;
        const text = `${'{"a":['.repeat(depth)}${object}${"]}".repeat(depth)}`;
        expect(() => JSON.parse(text)).not.toThrow();
        expect(readJson(text)).toHaveProperty("problem");
      }),
    );
  });

  test("takes the same name in different objects, and names that only look alike", () => {
    for (const text of ['[{"a":1},{"a":2}]', '{"a":{"a":1},"b":{"a":1}}', '{"a":"a","b":"{\\"a\\":1,\\"a\\":2}"}']) {
      expect(readJson(text)).toEqual({ value: JSON.parse(text) });
    }
  });

  test.each([
    ["deep nesting", "[".repeat(100_000)],
    ["nesting past the bound", `${"[".repeat(65)}${"]".repeat(65)}`],
    ["half a surrogate pair", '"\\ud800"'],
    ["a name with half of one", '{"\\udc00":1}'],
    ["a byte order mark", "\ufeff{}"],
    ["a trailing comma", "[1,]"],
    ["a comment", "{} //"],
    ["NaN", "NaN"],
    ["nothing", ""],
    ["the long s, which folds into s", '{"params":1,"param\u017f":2}'],
    ["the Kelvin sign, which folds into k", '{"kind":1,"\u212aind":2}'],
  ])("refuses %s", (_, text) => {
    expect(readJson(text)).toHaveProperty("problem");
  });

  test("keeps a member that is called __proto__ a member", () => {
    expect(readJson('{"__proto__":{"a":1}}')).toEqual({ value: JSON.parse('{"__proto__":{"a":1}}') });
    expect(readJson('{"__proto__":1,"__proto__":2}')).toHaveProperty("problem");
  });
});

describe("readText()", () => {
  test.each([
    ["bytes that are no UTF-8", Buffer.from([0x22, 0xff, 0x22])],
    ["an encoding that is too long", Buffer.from([0xc0, 0xaf])],
    ["a surrogate", Buffer.from([0xed, 0xa0, 0x80])],
    ["a byte order mark", Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d])],
    ["UTF-16", Buffer.from([0xff, 0xfe, 0x7b, 0x00])],
  ])("refuses %s", (_, bytes) => {
    expect(readText(bytes)).toHaveProperty("problem");
  });
});
