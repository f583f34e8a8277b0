import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { meetArguments, meetGlobs, meetTrees, TooManyGlobs } from "../../../src/policy/algebra/meet-globs.ts";
import { coversText } from "../../../src/policy/containment.ts";
import { globCovers, matchGlob } from "../../../src/policy/mod.ts";

test.each<[string, string, string[]]>([
  ["/a", "/a", ["/a"]],
  ["/a/**", "/**/b", ["/a/**/b"]],
  ["/a*", "/*b", ["/a*b"]],
  ["/ab*", "/*bc", ["/abc", "/ab*bc"]],
  ["/*", "/a/b", []],
  ["/*", "/", []],
  ["/**", "/a/", ["/a/"]],
  ["/\\*a*", "/*b", ["/\\*a*b"]],
])("meetGlobs(%s, %s)", (a, b, expected) => {
  expect([...meetGlobs(a, b)].sort()).toEqual([...expected].sort());
});

test("meetTrees() knows trees", () => {
  expect(meetTrees("/", "/a")).toEqual(["/a"]);
  expect(meetTrees("/a/*", "/a/b/c")).toEqual(["/a/b/c"]);
  expect(meetTrees("/a/*/c", "/a/b")).toEqual(["/a/b/c"]);
  expect(meetTrees("/a", "/b")).toEqual([]);
});

test("a pattern that would take long is refused", () => {
  const stars = (letter: string) => `/${Array.from({ length: 40 }, () => `*${letter}`).join("")}*`;
  expect(() => meetGlobs(stars("a"), stars("b"))).toThrow(TooManyGlobs);
  expect(() => meetGlobs(`/a*${"x".repeat(3000)}`, `/*a${"x".repeat(3000)}`)).toThrow(TooManyGlobs);
});

const segment = fc.oneof(
  { arbitrary: fc.constantFrom("a", "b", "ab", ""), weight: 4 },
  { arbitrary: fc.constantFrom("*", "**", "a*", "*b", "a*b", "*a*"), weight: 4 },
);
const glob = fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join("/")}`);
const path = fc
  .array(
    segment.filter((each) => each !== ""),
    { maxLength: 4 },
  )
  .map((segments) => `/${segments.join("/")}`);
const text = fc
  .array(fc.constantFrom("a", "b", "ab", "aab", "abb", "ba", "c", ""), { maxLength: 4 })
  .map((segments) => `/${segments.join("/")}`);

describe("what both match", () => {
  test("is what one of the answers matches", () => {
    fc.assert(
      fc.property(glob, glob, text, (a, b, at) => {
        expect(meetGlobs(a, b).some((each) => matchGlob(each, at))).toBe(matchGlob(a, at) && matchGlob(b, at));
        if (coversText(a, b) && matchGlob(b, at)) expect(matchGlob(a, at)).toBe(true);
      }),
      { numRuns: 20_000 },
    );
  });

  test("is what one of the answers covers", () => {
    fc.assert(
      fc.property(
        path,
        path,
        text.filter((each) => !each.includes("//")),
        (a, b, at) => {
          expect(meetTrees(a, b).some((each) => globCovers(each, at))).toBe(globCovers(a, at) && globCovers(b, at));
        },
      ),
      { numRuns: 20_000 },
    );
  });

  test("holds for arguments", () => {
    const globs = fc.array(fc.constantFrom("a", "*", "**", "a*", "*b"), { maxLength: 4 });
    const given = fc.array(fc.constantFrom("a", "b", "ab"), { maxLength: 4 });
    const matches = (args: readonly string[], argv: readonly string[]) => matchGlob(args.join("/"), argv.join("/"));
    fc.assert(
      fc.property(globs, globs, given, (a, b, argv) => {
        // Arguments without a slash are as segments; an empty list is no segment.
        fc.pre(argv.length > 0);
        expect(meetArguments(a, b).some((each) => matches(each, argv))).toBe(matches(a, argv) && matches(b, argv));
      }),
      { numRuns: 10_000 },
    );
  });
});
