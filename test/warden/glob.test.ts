/**
 * The warden's globs against those of the policy, of which they are a copy in another language, and what they say about
 * renamed directories.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { globProblem } from "../../src/policy/glob.ts";
import { compileGlob, globCovers } from "../../src/policy/mod.ts";
import { MATCHES, REFUSED } from "../policy/glob-vectors.ts";
import { below, Driver, globs, paths, trees } from "./tables-support.ts";

let driver: Driver;

beforeAll(() => {
  driver = new Driver();
}, 60_000);

afterAll(() => driver.close());

describe("glob_compile()", () => {
  test.each([...REFUSED.map(([pattern]) => pattern), "a\0b", "!", "a/**b", "{}"])("refuses %j", async (pattern) => {
    expect(await driver.ask("compile", pattern)).toBe("refused");
  });

  test("takes patterns of at most 4096 bytes", async () => {
    expect(await driver.ask("compile", "a".repeat(4097))).toBe("refused");
    for (const pattern of ["a", "/", "*/", "\\*"].map((part) => part.repeat(4096 / part.length))) {
      expect(await driver.ask("compile", pattern)).toBe("taken");
      expect(await driver.ask("reaches", pattern, "/a")).toMatch(/yes|no/);
    }
  });

  test("takes what the policy takes", async () => {
    const any = fc.array(fc.constantFrom(..."ab*/\\?[]{}!.é*/"), { maxLength: 12 }).map((chars) => chars.join(""));
    await fc.assert(
      fc.asyncProperty(any, async (pattern) => {
        const sound = globProblem(pattern) === undefined;
        expect(await driver.ask("compile", pattern)).toBe(sound ? "taken" : "refused");
      }),
      { numRuns: 2000 },
    );
  });
});

describe("glob_matches()", () => {
  test.each(MATCHES.filter(([, , separator]) => separator === "/"))("%s on %s", async (pattern, text, _, expected) => {
    expect(await driver.asks("matches", pattern, text)).toBe(expected);
  });

  test("agrees with compileGlob()", async () => {
    const texts = fc
      .array(fc.oneof(fc.stringMatching(/^[ab]{0,4}$/), below), { maxLength: 6 })
      .map((all) => all.join("/"));
    await fc.assert(
      fc.asyncProperty(globs, texts, async (pattern, text) => {
        expect(await driver.asks("matches", pattern, text)).toBe(compileGlob(pattern)(text));
      }),
      { numRuns: 3000 },
    );
  });

  test("ends on what makes backtrackers explode", { timeout: 60_000 }, async () => {
    expect(await driver.asks("matches", `${"*a".repeat(1000)}*b`, "a".repeat(4000))).toBe(false);
    expect(await driver.asks("matches", `${"**/a/".repeat(800)}b`, "a/".repeat(2000))).toBe(false);
    expect(await driver.asks("covers", `/${"**/*a*/".repeat(500)}b`, `/${"aa/".repeat(1300)}c`)).toBe(false);
    expect(await driver.asks("reaches", `/${"**/*a*/".repeat(500)}b`, `/${"aa/".repeat(1300)}c`)).toBe(true);
  });
});

describe("glob_covers()", () => {
  test.each([
    ["/", "/", true],
    ["/", "/a/b", true],
    ["/a", "/a", true],
    ["/a", "/a/b/c", true],
    ["/a", "/ab", false],
    ["/a", "/", false],
    ["/**", "/", true],
    ["/**/a", "/b/a/c", true],
    ["/**/a", "/b/ab/c", false],
    ["/longer/than/eight", "/longer/than/eight/x", true],
    ["/longer/than/eight", "/longer/than/eigh", false],
    ["/a\\*", "/a*/b", true],
  ])("%s on %s is %s", async (pattern, path, expected) => {
    expect(await driver.asks("covers", pattern, path)).toBe(expected);
  });

  test("agrees with globCovers()", async () => {
    await fc.assert(
      fc.asyncProperty(trees, fc.oneof(paths, fc.constant("/")), async (pattern, path) => {
        expect(await driver.asks("covers", pattern, path)).toBe(globCovers(pattern, path));
      }),
      { numRuns: 3000 },
    );
  });
});

describe("glob_reaches_below()", () => {
  test.each([
    ["/a/b", "/", true],
    ["/a/b", "/a", true],
    ["/a/b", "/a/b", true],
    ["/a/b", "/a/b/c", true],
    ["/a/b", "/a/c", false],
    ["/a/b", "/b", false],
    ["/a/*/c", "/a/x", true],
    ["/a/*/c", "/a/x/c", true],
    ["/a/*/c", "/a/x/d", false],
    ["/a/**/c", "/a/x/y", true],
    ["/a/**/c", "/b", false],
    ["/", "/a", true],
  ])("%s below %s is %s", async (pattern, directory, expected) => {
    expect(await driver.asks("reaches", pattern, directory)).toBe(expected);
  });

  test("is never wrongly false", async () => {
    await fc.assert(
      fc.asyncProperty(trees, paths, below, async (pattern, directory, name) => {
        if (globCovers(pattern, `${directory}/${name}`)) {
          expect(await driver.asks("reaches", pattern, directory)).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe("glob_survives_rename()", () => {
  test.each([
    // It lies elsewhere, or covers both.
    ["/b", "/a/x", "/a/y", true],
    ["/a", "/a/x", "/a/y", true],
    ["/", "/a/x", "/b/y", true],
    // One name is what it names, or leads to it.
    ["/a/x", "/a/x", "/a/y", false],
    ["/a/x", "/a/y", "/a/x", false],
    ["/a/x/secret", "/a/x", "/a/y", false],
    ["/a/x/secret", "/a/y", "/a/x", false],
    ["/a", "/a/x", "/b/x", false],
    // It counts from a place above both.
    ["/a/**/.env", "/a/x", "/a/y/z", true],
    ["/a/**/.env", "/a/x", "/b/x", false],
    ["/a/**/.env", "/b/x", "/a/x", false],
    ["/a/**/.env", "/a/.env", "/a/x", false],
    ["/a/**/*.pem", "/a/x", "/a/y/z", true],
    ["/a/*/conf", "/a/x", "/a/y", true],
    ["/a/*/conf", "/a/x", "/a/y/z", false],
    // Its tail lies across the name.
    ["/a/**/.git/config", "/a/x", "/a/y", true],
    ["/a/**/.git/config", "/a/.git", "/a/git", false],
    ["/a/**/.git/config", "/a/x/.git", "/a/y/.git", true],
  ])("%s from %s to %s is %s", async (pattern, from, to, expected) => {
    expect(await driver.asks("survives", pattern, from, to)).toBe(expected);
  });

  test("is never wrongly true", async () => {
    const tails = fc.constantFrom("", "a", "*b", "a/b", "*/a", "**/a", "**/*a/b");
    const patterns = fc.oneof(
      trees,
      fc.tuple(trees, tails).map(([tree, tail]) => `${tree}/**/${tail || "a"}`),
    );
    let survived = 0;
    await fc.assert(
      fc.asyncProperty(patterns, paths, paths, fc.array(below, { minLength: 8 }), async (pattern, from, to, all) => {
        if (!(await driver.asks("survives", pattern, from, to))) return;
        survived++;
        const covers = (directory: string) =>
          Promise.all(all.map((name) => driver.asks("covers", pattern, `${directory}/${name}`)));
        expect(await covers(from)).toEqual(await covers(to));
      }),
      { numRuns: 2000 },
    );
    expect(survived).toBeGreaterThan(200);
  });
});
