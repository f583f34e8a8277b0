import { describe, expect, test } from "vitest";
import { isSameContent, isSameHost } from "../../../src/runtimes/workspace/mod.ts";

const FINE = { device: 1, inode: 2, size: 3, mtimeMs: 1_795_968_201_034.921, ctimeMs: 1_795_968_201_734.521 };

/** As Deno tells it. */
const COARSE = { ...FINE, mtimeMs: 1_795_968_201_034, ctimeMs: 1_795_968_201_000 };

describe("isSameHost()", () => {
  test("compares times in the coarser of their units", () => {
    expect(isSameHost(FINE, { ...FINE })).toBe(true);
    expect([isSameHost(FINE, COARSE), isSameHost(COARSE, FINE), isSameHost(COARSE, COARSE)]).toEqual([
      true,
      true,
      true,
    ]);
  });

  test.each([
    ["another file", { inode: 4 }],
    ["another device", { device: 4 }],
    ["another size", { size: 4 }],
    ["a fraction of a millisecond later", { mtimeMs: FINE.mtimeMs + 0.001 }],
    ["a status that changed a fraction of a millisecond later", { ctimeMs: FINE.ctimeMs + 0.001 }],
  ])("tells %s", (_, other) => {
    expect(isSameHost(FINE, { ...FINE, ...other })).toBe(false);
  });

  test.each([
    ["a millisecond later", { mtimeMs: COARSE.mtimeMs + 1 }],
    ["a millisecond before", { mtimeMs: COARSE.mtimeMs - 1 }],
    ["a status that changed in the next second", { ctimeMs: COARSE.ctimeMs + 1000 }],
    ["a status that changed in the second before", { ctimeMs: COARSE.ctimeMs - 1000 }],
  ])("tells %s in coarse units, too", (_, other) => {
    for (const known of [FINE, COARSE]) expect(isSameHost(known, { ...COARSE, ...other })).toBe(false);
  });
});

test("isSameContent() lets a file be renamed, and nothing else", () => {
  expect(isSameContent(FINE, { ...FINE, ctimeMs: FINE.ctimeMs + 1 })).toBe(true);
  expect(isSameContent(FINE, { ...FINE, mtimeMs: FINE.mtimeMs + 1 })).toBe(false);
});
