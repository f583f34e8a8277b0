import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { filesIn, ROOT } from "./tree.ts";

const MAX_LINES = 350;

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const sources = filesIn("src");
const modules = ["src", "plugins", "recipes", "examples"].flatMap(filesIn).filter((path) => path.endsWith(".ts"));

describe("the files of the repository", () => {
  test("are there", () => {
    expect(modules.length).toBeGreaterThan(50);
  });

  test(`have at most ${MAX_LINES} lines, unless they are generated`, () => {
    const long = sources
      .filter((path) => !basename(path).includes(".gen."))
      .map((path) => `${path}: ${read(path).split("\n").length - 1}`)
      .filter((line) => Number(line.split(": ").at(-1)) > MAX_LINES);
    expect(long).toEqual([]);
  });

  test("have names in kebab-case; the warden's, in snake_case", () => {
    const kebab = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
    const native = /^src\/warden\/native\/[a-z0-9]+(?:_[a-z0-9]+)*(?:\.gen)?\.[ch]$/;
    const odd = sources.concat(modules).filter((path) => {
      if (path.startsWith("src/warden/native/")) return !native.test(path);
      return (
        !path.endsWith(".ts") ||
        !path
          .replace(/(?:\.test)?\.ts$/, "")
          .split("/")
          .every((part) => kebab.test(part))
      );
    });
    expect(odd).toEqual([]);
  });

  test("import each other with .ts", () => {
    const vague = modules.flatMap((path) =>
      [...read(path).matchAll(/^(?!\s*(?:\*|\/\/)).*?\b(?:from|import)\s*\(?\s*"(\.[^"]*)"/gm)]
        .map((match) => match[1] ?? "")
        .filter((name) => !name.endsWith(".ts"))
        .map((name) => `${path} imports ${name}`),
    );
    expect(vague).toEqual([]);
  });

  test("say what they are for: every module of src begins with a comment", () => {
    const silent = (path: string) =>
      !read(path)
        .replace(/^#!.*\n/, "")
        .startsWith("/**\n * ");
    expect(modules.filter((path) => path.startsWith("src/") && silent(path))).toEqual([]);
  });
});
