import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { unifiedHunks } from "../../src/review/hunks.ts";
import { patchOf } from "../../src/review/patch.ts";
import { quotePath } from "../../src/review/text.ts";

const scratch = mkdtempSync(join(tmpdir(), "cofferdam-patch-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What git makes of the old contents with a patch of them all. */
function applied(pairs: readonly (readonly [Buffer, Buffer])[]): Buffer[] {
  const folder = mkdtempSync(join(scratch, "tree-"));
  mkdirSync(join(folder, "d"));
  for (const [index, [before]] of pairs.entries()) writeFileSync(join(folder, `d/${index}`), before);
  const side = (content: Buffer) => ({ kind: "file", mode: 0o644, content }) as const;
  const patch = pairs
    .map(([before, after], index) => {
      const path = `d/${index}`;
      return before.equals(after) ? "" : patchOf({ path, from: path, before: side(before), after: side(after) });
    })
    .join("");
  if (patch !== "")
    execFileSync("git", ["apply", "-"], { cwd: folder, input: Buffer.from(patch, "latin1"), stdio: "pipe" });
  return pairs.map((_, index) => readFileSync(join(folder, `d/${index}`)));
}

describe("patchOf", () => {
  test("of any two contents is what git takes", () => {
    const lines = fc
      .array(fc.constantFrom("a", "b", "c", "\r", "", "\xe9", "\xff", "-- x", "\\ No"), { maxLength: 12 })
      .chain((words) => fc.constantFrom("\n", "").map((end) => Buffer.from(words.join("\n") + end, "latin1")));
    const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
    const content = fc.oneof({ weight: 3, arbitrary: lines }, bytes);
    const pairs = fc.sample(fc.tuple(content, content), { numRuns: 150, seed: 7 });
    const after = applied(pairs);
    pairs.forEach(([before, wanted], index) => {
      expect(after[index]?.toString("hex"), before.toString("hex")).toBe(wanted.toString("hex"));
    });
  });

  test("of large binary files is git's own base 85", () => {
    const before = Buffer.alloc(100_000, "\0abc");
    const after = Buffer.from(Array.from({ length: 70_001 }, (_, at) => (at * at * 31) & 0xff));
    expect(applied([[before, after]])[0]?.equals(after)).toBe(true);
  });
});

describe("unifiedHunks", () => {
  test("of texts that differ too much replaces everything, and ends", () => {
    const text = (word: string) => Array.from({ length: 9000 }, (_, at) => `${word}${at}\n`).join("");
    const [old, fresh] = [text("old"), text("new")];
    expect(unifiedHunks(old, fresh, 3).startsWith("@@ -1,9000 +1,9000 @@\n-old0\n")).toBe(true);
    expect(applied([[Buffer.from(old), Buffer.from(fresh)]])[0]?.toString()).toBe(fresh);
  });
});

describe("text for people", () => {
  test("quotes paths as git does", () => {
    expect(quotePath("a b/c")).toBe("a b/c");
    expect(quotePath('n\n"\\\xe9')).toBe('"n\\n\\"\\\\\\351"');
  });
});
