import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  canonicalBinary,
  canonicalPath,
  grantProblem,
  isWithin,
  literalPrefix,
  pathProblem,
} from "../../src/policy/paths.ts";

const places = { workspace: "/workspace", home: "/home/agent" };

describe("canonicalPath()", () => {
  test.each([
    [".", "."],
    ["./", "."],
    ["**", "."],
    ["./**", "."],
    ["src", "./src"],
    ["./src/", "./src"],
    ["./src/**", "./src"],
    ["src/**/**", "./src"],
    ["a//b/./c", "./a/b/c"],
    ["~", "~"],
    ["~/", "~"],
    ["~/.cache/**", "~/.cache"],
    ["./~", "./~"],
    ["a/~/b", "./a/~/b"],
    ["/", "/"],
    ["/**", "/"],
    ["//usr//lib/", "/usr/lib"],
    ["**/.env", "./**/.env"],
  ])("of %s is %s", (path, canonical) => {
    expect(canonicalPath(path)).toBe(canonical);
  });

  test("of a canonical path is the path", () => {
    const paths = fc.stringMatching(/^[~/.]?[a./*~]{1,12}$/).filter((path) => pathProblem(path) === undefined);
    fc.assert(
      fc.property(paths, (path) => {
        const canonical = canonicalPath(path);
        expect(pathProblem(canonical)).toBeUndefined();
        expect(canonicalPath(canonical)).toBe(canonical);
      }),
    );
  });
});

test.each([
  ["git", "git"],
  ["/usr//bin/**", "/usr/bin/**"],
  ["scripts/x.sh", "./scripts/x.sh"],
  ["~/bin/x", "~/bin/x"],
])("canonicalBinary() of %s is %s", (binary, canonical) => {
  expect(canonicalBinary(binary)).toBe(canonical);
});

describe("pathProblem()", () => {
  test.each([
    ["", "empty"],
    ["a\0b", "NUL"],
    ["..", '".."'],
    ["../x", '".."'],
    ["a/../b", '".."'],
    ["/a/..", '".."'],
    ["~/../x", '".."'],
    ["~root/x", "home"],
    ["\ud800", "Unicode"],
    ["é".repeat(2048), "4095 bytes"],
    ["C:\\Users\\x", "backslash"],
    ["a{b,c}", "reserved"],
  ])("refuses %j", (path, problem) => {
    expect(pathProblem(path)).toContain(problem);
  });

  test.each(["a".repeat(4095), "..a", "a..", ".../x", "é", "a b", "a\nb", "-rf"])("takes %j", (path) => {
    expect(pathProblem(path)).toBeUndefined();
  });
});

test.each([
  ["./src", "/workspace/src"],
  [".", "/workspace"],
  ["~/x", "/home/agent/x"],
  ["./src/*/a", "/workspace/src"],
  ["./**/.env", "/workspace"],
  ["/*/x", "/"],
  ["/", "/"],
  ["./a\\*b/c*", "/workspace/a*b"],
])("literalPrefix() of %s is %s", (path, prefix) => {
  expect(literalPrefix(path, places)).toBe(prefix);
});

test.each([
  ["/a/b", "/a", true],
  ["/a", "/a", true],
  ["/ab", "/a", false],
  ["/a", "/a/b", false],
  ["/a", "/", true],
])("isWithin(%s, %s) is %s", (path, directory, expected) => {
  expect(isWithin(path, directory)).toBe(expected);
});

test.each([
  ["/.cofferdam", "read"],
  ["/.cofferdam/warden", "write"],
  ["/.cofferdam-trust/ca.pem", "read"],
  ["/.cofferdam-0123", "read"],
  ["/", "write"],
  ["/proc", "write"],
  ["/proc/sys/kernel", "write"],
  ["/sys/fs/cgroup", "write"],
] as const)("grantProblem() refuses %s for %s", (path, access) => {
  expect(grantProblem(path, access)).toBeTypeOf("string");
});

test.each([
  ["/", "read"],
  ["/proc", "read"],
  ["/sys", "read"],
  ["/process", "write"],
  ["/.cofferdam2", "write"],
] as const)("grantProblem() has nothing against %s for %s", (path, access) => {
  expect(grantProblem(path, access)).toBeUndefined();
});
