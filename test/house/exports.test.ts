import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { filesIn, matches, ROOT } from "./tree.ts";

interface Package {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
}

interface JsrPackage extends Pick<Package, "name" | "version" | "license"> {
  readonly exports: Readonly<Record<string, string>>;
  readonly publish: { readonly include: readonly string[]; readonly exclude: readonly string[] };
}

const read = (name: string): unknown => JSON.parse(readFileSync(join(ROOT, name), "utf8"));
const npm = read("package.json") as Package;
const jsr = read("jsr.json") as JsrPackage;

/** What a file of `dist` is built from: `dist/built-in` is the folders beside `src`. */
const sourceOf = (built: string): string =>
  built
    .replace(/^\.\/dist\/(built-in\/)?/, (_, beside) => (beside === undefined ? "./src/" : "./"))
    .replace(/\.js$/, ".ts");

const published = (path: string): boolean =>
  jsr.publish.include.some((glob) => matches(path, glob)) && !jsr.publish.exclude.some((glob) => matches(path, glob));

describe("package.json and jsr.json", () => {
  test("name one package", () => {
    expect(npm.name).toBe("cofferdam");
    expect(jsr.name).toBe("@cofferdam/sdk");
    expect(jsr.version).toBe(npm.version);
    expect(jsr.license).toBe(npm.license);
    expect(readFileSync(join(ROOT, "LICENSE"), "utf8")).toMatch(/Apache License\n\s+Version 2\.0/);
  });

  test("export the same entries", () => {
    expect(Object.keys(jsr.exports).sort()).toEqual(Object.keys(npm.exports).sort());
  });

  test.each(Object.entries(npm.exports))(
    "npm's %s is built from what JSR exports",
    (entry, { types, default: built }) => {
      expect(jsr.exports[entry]).toBe(sourceOf(built));
      expect(types).toBe(built.replace(/\.js$/, ".d.ts"));
    },
  );

  test.each(Object.entries(jsr.exports))("JSR's %s exists and is what npm exports", (entry, source) => {
    expect(existsSync(join(ROOT, source))).toBe(true);
    expect(sourceOf(npm.exports[entry]?.default ?? "")).toBe(source);
  });

  test("publish every source, the warden's too, and nothing else", () => {
    expect(
      [...filesIn("src"), ...filesIn("plugins"), ...filesIn("recipes")].filter(
        (path) => !/\.md$/.test(path) && !published(path),
      ),
    ).toEqual([]);
    expect(filesIn("src").filter((path) => /\.[ch]$/.test(path)).length).toBeGreaterThan(10);
    for (const folder of ["test", "scripts", "examples", "docs"]) expect(filesIn(folder).filter(published)).toEqual([]);
    expect(npm.files).toEqual(expect.arrayContaining(["dist", "LICENSE", "README.md"]));
    for (const name of ["LICENSE", "README.md"])
      expect([name, published(name), existsSync(join(ROOT, name))]).toEqual([name, true, true]);
  });
});
