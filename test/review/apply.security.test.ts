/**
 * The host's folder changes while something is written back to it.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type Bench, forget, reviewOf } from "./support.ts";

let bench: Bench | undefined;
afterEach(() => {
  if (bench !== undefined) forget(bench);
});

const nothing = () => undefined;

/** Everything in a tree, so that what was written anywhere is seen. */
function everything(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
}

describe("apply, while the host's folder changes", () => {
  test("a folder that is swapped for a symlink during the write gets nothing on the other side", async () => {
    bench = await reviewOf({ "docs/a": "a\n", "docs/b": "b\n" });
    const { folder, copy, tree, review } = bench;
    const outside = join(dirname(folder), "outside");
    mkdirSync(outside);
    writeFileSync(join(copy, "docs/a"), "changed\n");
    writeFileSync(join(copy, "docs/new"), "new\n");
    await review.changes();
    let swapped = false;
    tree.onRead = () => {
      if (swapped) return;
      swapped = true;
      renameSync(join(folder, "docs"), join(folder, "was"));
      symlinkSync(outside, join(folder, "docs"));
    };
    const { applied, refused } = await review.apply({}, nothing);
    expect(swapped).toBe(true);
    // The first was under way: it went on in the folder that was opened. The next one is not led through the link.
    expect(applied.map(({ path }) => path)).toEqual(["docs/a"]);
    expect(refused.map(({ change, code }) => [change.path, code])).toEqual([["docs/new", "blocked"]]);
    expect(readFileSync(join(folder, "was/a"), "utf8")).toBe("changed\n");
    expect(everything(outside)).toEqual([]);
    // The control: by its path the write would have gone through the link.
    writeFileSync(join(folder, "docs/new"), "by path\n");
    expect(everything(outside)).toEqual(["new"]);
  });

  test.each(["appears", "is changed", "becomes a link"])("a file that %s during the write is kept", async (what) => {
    bench = await reviewOf({ old: "old\n" });
    const { folder, copy, tree, review } = bench;
    const name = what === "appears" ? "fresh" : "old";
    writeFileSync(join(copy, name), "the sandbox's\n");
    await review.changes();
    tree.onRead = () => {
      rmSync(join(folder, name), { force: true });
      if (what === "becomes a link") symlinkSync("elsewhere", join(folder, name));
      else writeFileSync(join(folder, name), "the host's\n");
    };
    const { refused } = await review.apply({}, nothing);
    expect(refused.map(({ code }) => code)).toEqual(["host-changed"]);
    if (what === "becomes a link") expect(existsSync(join(folder, "elsewhere"))).toBe(false);
    else expect(readFileSync(join(folder, name), "utf8")).toBe("the host's\n");
    expect(everything(folder).filter((each) => each.includes(".cofferdam-"))).toEqual([]);
  });

  test("a sandbox's file that is swapped while it is read is refused, and leaves nothing", async () => {
    bench = await reviewOf({ old: "old\n" });
    const { folder, copy, tree, review } = bench;
    writeFileSync(join(copy, "old"), "good\n");
    await review.changes();
    tree.onRead = () => writeFileSync(join(copy, "old"), "evil\n");
    const { refused } = await review.apply({}, nothing);
    expect(refused.map(({ code }) => code)).toEqual(["sandbox-changed"]);
    expect(readFileSync(join(folder, "old"), "utf8")).toBe("old\n");
    expect(everything(folder)).toEqual(["old"]);
  });

  test("a folder that was replaced by another one is not written to", async () => {
    bench = await reviewOf({ old: "old\n" });
    const { folder, copy, review } = bench;
    writeFileSync(join(copy, "old"), "new\n");
    await review.changes();
    renameSync(folder, `${folder}-moved`);
    mkdirSync(folder);
    await expect(review.apply({}, nothing)).rejects.toMatchObject({ code: "REVIEW_FAILED" });
    expect(everything(folder)).toEqual([]);
    expect(readFileSync(join(`${folder}-moved`, "old"), "utf8")).toBe("old\n");
  });
});

describe("apply", () => {
  test("a file that became a folder, and a folder that became a file", async () => {
    bench = await reviewOf({ file: "f\n", "folder/inner/x": "x\n" });
    const { folder, copy, review } = bench;
    rmSync(join(copy, "file"));
    mkdirSync(join(copy, "file"));
    writeFileSync(join(copy, "file/inside"), "in\n");
    rmSync(join(copy, "folder"), { recursive: true });
    writeFileSync(join(copy, "folder"), "out\n");
    const { refused } = await review.apply({}, nothing);
    expect(refused).toEqual([]);
    expect(everything(folder)).toEqual(["file", "file/inside", "folder"]);
  });

  test("a rename is whole: without its old half it does not happen", async () => {
    bench = await reviewOf({ old: "the same content\n" });
    const { folder, copy, review } = bench;
    renameSync(join(copy, "old"), join(copy, "new"));
    expect((await review.changes()).map(({ kind }) => kind)).toEqual(["renamed"]);
    writeFileSync(join(folder, "old"), "the host's\n");
    const { refused } = await review.apply({}, nothing);
    expect(refused.map(({ code }) => code)).toEqual(["host-changed"]);
    expect(everything(folder)).toEqual(["old"]);
  });

  test("lists and changes of somebody else are refused", async () => {
    bench = await reviewOf({ old: "old\n" });
    const { copy, review } = bench;
    writeFileSync(join(copy, "old"), "new\n");
    const changes = await review.changes();
    await expect(review.apply({ changes: [...changes] as never }, nothing)).rejects.toMatchObject({
      code: "ARGUMENT_INVALID",
    });
  });
});
