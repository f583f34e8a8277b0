import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createResolver } from "../../../src/runtimes/local/host-paths.ts";

describe("createResolver()", () => {
  let root: string;

  beforeAll(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), "cofferdam-test-")));
    mkdirSync(join(root, "real/inner"), { recursive: true });
    writeFileSync(join(root, "real/file"), "");
    symlinkSync("real", join(root, "relative"));
    symlinkSync(join(root, "relative"), join(root, "absolute"));
    symlinkSync("loop", join(root, "loop"));
    symlinkSync("nowhere", join(root, "dangling"));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  it("finds a plain directory and a plain file", () => {
    const resolve = createResolver();
    const [inner, file] = [join(root, "real/inner"), join(root, "real/file")];
    expect(resolve(inner)).toEqual({ links: [], real: inner, source: inner, directory: true });
    expect(resolve(file)).toEqual({ links: [], real: file, source: file, directory: false });
  });

  it("remembers every symlink on the way, in order", () => {
    expect(createResolver()(join(root, "absolute/inner"))).toEqual({
      links: [
        { path: join(root, "absolute"), target: join(root, "relative") },
        { path: join(root, "relative"), target: "real" },
      ],
      real: join(root, "real/inner"),
      source: join(root, "real/inner"),
      directory: true,
    });
  });

  it("finds nothing at a missing path, a dangling link, a loop, and below a file", () => {
    const resolve = createResolver();
    for (const name of ["missing", "dangling", "loop", "real/file/below"]) {
      expect(resolve(join(root, name)), name).toBeUndefined();
    }
  });
});
