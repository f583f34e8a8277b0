import { expect, test } from "vitest";
import { compare } from "../../src/review/compare.ts";
import type { BaselineEntry } from "../../src/runtimes/workspace/mod.ts";

const HOST = { device: 1, inode: 7, size: 3, mtimeMs: 10, ctimeMs: 10 };
const BEFORE: BaselineEntry = { kind: "file", mode: 0o600, size: 3, host: HOST, copy: { inode: 7, ctimeMs: 10 } };
const AFTER = { path: "a", kind: "file", mode: 0o600, size: 3, inode: 7, ctimeMs: 10 } as const;

test.each([
  ["that nobody touched is as it was, though it is as young as the sandbox", {}, "unreadable", 0],
  ["whose status changed did change", { ctimeMs: 11 }, "unreadable", 1],
  ["that is another one did change", { inode: 8 }, "unreadable", 1],
  // Where memory is written through a mapping no time tells.
  ["that is too large to be looked at did change", {}, "too-large", 1],
] as const)("a file that cannot be read, %s", async (_, changed, problem, count) => {
  const found = await compare(new Map([["a", BEFORE]]), [{ ...AFTER, ...changed, problem }], () =>
    Promise.resolve("00"),
  );
  expect(found?.map(({ kind, path, problem: said }) => [kind, path, said])).toEqual(
    count === 0 ? [] : [["modified", "a", problem]],
  );
});
