import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { globProblem } from "../../src/policy/glob.ts";
import { compileGlob, escapeGlob, isLiteral, matchGlob, unescapeGlob } from "../../src/policy/mod.ts";
import { MATCHES, REFUSED } from "./glob-vectors.ts";
import { failure } from "./helpers.ts";

/** The dialect as its definition reads, without any care for time. */
function naive(pattern: string, text: string, separator: string): boolean {
  const inSegment = (glob: string, name: string): boolean => {
    if (glob === "") return name === "";
    if (glob.startsWith("*")) {
      return Array.from({ length: name.length + 1 }, (_, n) => n).some((n) => inSegment(glob.slice(1), name.slice(n)));
    }
    return glob[0] === name[0] && inSegment(glob.slice(1), name.slice(1));
  };
  const across = (globs: string[], names: string[]): boolean => {
    const [glob, ...rest] = globs;
    if (glob === undefined) return names.length === 0;
    if (glob === "**") {
      return Array.from({ length: names.length + 1 }, (_, n) => n).some((n) => across(rest, names.slice(n)));
    }
    const [name, ...others] = names;
    if (name === undefined || (glob === "*" && name === "")) return false;
    return inSegment(glob, name) && across(rest, others);
  };
  return across(pattern.split(separator), text.split(separator));
}

const sound = (separator: "/" | "."): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof(fc.constant("**"), fc.stringMatching(/^[ab*]{0,4}$/)), { minLength: 1, maxLength: 6 })
    .map((segments) => segments.join(separator))
    .filter((pattern) => globProblem(pattern, separator) === undefined);

describe("matchGlob()", () => {
  test.each(["/", "."] as const)('agrees with the naive reading of the dialect, separator "%s"', (separator) => {
    const texts = fc.array(fc.stringMatching(/^[ab]{0,4}$/), { maxLength: 6 }).map((names) => names.join(separator));
    fc.assert(
      fc.property(sound(separator), texts, (pattern, text) => {
        expect(matchGlob(pattern, text, separator)).toBe(naive(pattern, text, separator));
      }),
      { numRuns: 3000 },
    );
  });

  test.each(MATCHES)("%s on %s between %s is %s", (pattern, text, separator, expected) => {
    expect(matchGlob(pattern, text, separator)).toBe(expected);
  });

  test("takes no longer than pattern times text on what makes backtrackers explode", () => {
    const start = performance.now();
    expect(matchGlob(`${"*a".repeat(1000)}*b`, "a".repeat(4000))).toBe(false);
    expect(matchGlob(`${"**/a/".repeat(700)}b`, "a/".repeat(2000))).toBe(false);
    // A bound on a hang, not on speed: a backtracker would take for ever.
    expect(performance.now() - start).toBeLessThan(30_000);
  });
});

describe("compileGlob()", () => {
  test.each(REFUSED)("refuses %s", (pattern, message) => {
    const error = failure("ARGUMENT_INVALID", () => compileGlob(pattern));
    expect(error.message).toContain(message);
    expect(error.details.value).toBe(pattern);
  });
});

describe("escapeGlob()", () => {
  test("makes a literal pattern that matches the text and nothing else", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, other) => {
        const pattern = escapeGlob(text);
        expect(globProblem(pattern)).toBeUndefined();
        expect(isLiteral(pattern)).toBe(true);
        expect(unescapeGlob(pattern)).toBe(text);
        expect(matchGlob(pattern, text)).toBe(true);
        expect(matchGlob(pattern, other)).toBe(text === other);
      }),
    );
  });
});

test.each([
  ["a/b", true],
  ["a\\*b", true],
  ["a*", false],
  ["**", false],
  ["\\\\*", false],
])("isLiteral() of %s is %s", (pattern, expected) => {
  expect(isLiteral(pattern)).toBe(expected);
});
