import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { coversMatches, coversTree, mayMeet } from "../../src/policy/containment.ts";
import { globCovers, matchGlob } from "../../src/policy/mod.ts";

const segment = fc.oneof(
  { arbitrary: fc.constantFrom("a", "b", "ab"), weight: 4 },
  { arbitrary: fc.constantFrom("*", "**", "a*", "*b"), weight: 3 },
);
const pattern = fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join("/")}`);
const path = fc
  .array(fc.constantFrom("a", "b", "ab", "c"), { maxLength: 5 })
  .map((segments) => `/${segments.join("/")}`);

test.each([
  ["/", "/a/*", true],
  ["/a", "/a/b", true],
  ["/a", "/a/**/x", true],
  ["/a/*", "/a/b", true],
  ["/a/*", "/a/*/c", true],
  ["/a/*.md", "/a/x.md/y", true],
  ["/a/**/.env", "/a/.env", true],
  ["/a/**/.env", "/a/b/**/.env", true],
  ["/a/**/.env", "/a/b/*/.env", true],
  ["/a/!x*", "/a/!xy", true],
  ["/a/b", "/a", false],
  ["/a/*", "/a/**", false],
  ["/a/*.md", "/a/*", false],
  ["/a", "/ab", false],
])("coversTree(%s, %s) is %s", (wide, narrow, expected) => {
  expect(coversTree(wide, narrow)).toBe(expected);
});

test("coversMatches() does not take what lies below", () => {
  expect(coversMatches("/a", "/a/b")).toBe(false);
  expect(coversMatches("/a/*", "/a/b")).toBe(true);
  expect(coversMatches("git*", "git-lfs")).toBe(true);
  expect(coversMatches("*", "git*")).toBe(true);
});

test("mayMeet() knows what is apart", () => {
  expect(mayMeet("/a/b", "/a/c")).toBe(false);
  expect(mayMeet("/a/b", "/a")).toBe(true);
  expect(mayMeet("/a/*/c", "/a/b/d")).toBe(false);
  expect(mayMeet("/a/**/c", "/a/b/d")).toBe(true);
});

describe("whatever is said of patterns", () => {
  test("holds for every path", () => {
    fc.assert(
      fc.property(pattern, pattern, path, (wide, narrow, at) => {
        if (coversTree(wide, narrow) && globCovers(narrow, at)) expect(globCovers(wide, at)).toBe(true);
        if (coversMatches(wide, narrow) && matchGlob(narrow, at)) expect(matchGlob(wide, at)).toBe(true);
        if (!mayMeet(wide, narrow)) expect(globCovers(wide, at) && globCovers(narrow, at)).toBe(false);
      }),
      { numRuns: 20_000 },
    );
  });

  test("covers itself and what is below", () => {
    fc.assert(
      fc.property(pattern, segment, (glob, more) => {
        expect(coversTree(glob, glob)).toBe(true);
        expect(coversTree(glob, `${glob === "/" ? "" : glob}/${more}`)).toBe(true);
        expect(coversMatches(glob, glob)).toBe(true);
      }),
    );
  });
});
