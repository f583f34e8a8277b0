import { describe, expect, test } from "vitest";
import { changeTest } from "../../src/review/filter.ts";
import { bareRepositories, isCommitPath, isGitPath, touchesGit } from "../../src/review/git-paths.ts";
import { mayLeadOut } from "../../src/review/link-targets.ts";
import { pathOfText } from "../../src/review/paths.ts";
import type { Change } from "../../src/review/types.ts";

describe("isGitPath", () => {
  test.each([
    ".git",
    ".git/hooks/pre-commit",
    "sub/.git",
    "sub/.GiT/config",
    ".git./x",
    ".git /x",
    ".git. . /x",
    ".git::$INDEX_ALLOCATION/x",
    "git~1/config",
    "GIT~2",
    ".g\u200cit/x",
    "\ufeff.git/x",
    "a\\.git\\hooks/x",
  ])("%j is git's own", (path) => expect(isGitPath(pathOfText(path))).toBe(true));

  test.each([".gitignore", ".github/x", "git", "my.git/x", "x.git", ".git2", "git~", "agit~1"])("%j is not", (path) =>
    expect(isGitPath(pathOfText(path))).toBe(false),
  );
});

describe("bareRepositories", () => {
  const entry = (path: string, kind: "file" | "directory" | "symlink") =>
    ({ path, kind, mode: 0o644, size: 0, inode: 1, ctimeMs: 1 }) as const;

  test("are folders with HEAD, objects and refs, however written", () => {
    const parts = [entry("b/HEAD", "file"), entry("b/Objects", "directory"), entry("b/refs", "symlink")];
    const bare = bareRepositories(parts);
    expect([...bare]).toEqual(["b"]);
    expect(touchesGit({ kind: "added", path: "b/deep/config" }, bare)).toBe(true);
    expect(touchesGit({ kind: "added", path: "c/config" }, bare)).toBe(false);
    expect(bareRepositories(parts.slice(1)).size).toBe(0);
    expect(bareRepositories([...parts.slice(0, 2), entry("b/refs", "file")]).size).toBe(0);
  });

  test("are folders with HEAD that say where the rest is", () => {
    const parts = [entry("b/HEAD", "file"), entry("b/CommonDir", "file"), entry("c/objects", "directory")];
    expect([...bareRepositories(parts)]).toEqual(["b"]);
    expect(bareRepositories(parts.slice(1)).size).toBe(0);
  });
});

describe("isCommitPath", () => {
  const hash = "a".repeat(38);
  test.each([`.git/objects/ab/${hash}`, `.git/objects/pack/pack-${"0".repeat(40)}.idx`, ".git/refs/heads/a/b"])(
    "%j is part of a commit",
    (path) => expect(isCommitPath(path)).toBe(true),
  );
  test.each([
    ".git/hooks/post-checkout",
    ".git/config",
    ".git/HEAD",
    ".git/index",
    ".git/info/attributes",
    ".git/objects/info/alternates",
    `.git/objects/ab/${hash}/../../../config`,
    `sub/.git/objects/ab/${hash}`,
    ".git/refs/heads/x.lock",
    ".git/modules/x/config",
    ".git/worktrees/x/HEAD",
  ])("%j is not", (path) => expect(isCommitPath(path)).toBe(false));
});

describe("mayLeadOut", () => {
  test.each([
    ["a/b", "../c"],
    ["a", "b/c"],
    ["a/b/c", "../../x"],
    ["a", "./b//c/."],
  ])("%j -> %j stays", (path, target) => expect(mayLeadOut(path, Buffer.from(target))).toBe(false));

  test.each([
    ["a", "/etc"],
    ["a", ".."],
    ["a/b", "../../x"],
    ["a/b", "x/../../y"],
    ["a", "x/.."],
    ["a", ""],
  ])("%j -> %j might not", (path, target) => expect(mayLeadOut(path, Buffer.from(target))).toBe(true));
});

describe("changeTest", () => {
  const change = (path: string) => ({ path, pathBytes: Buffer.from(path) }) as unknown as Change;

  test("takes globs and paths of the policies' dialect, and folders for what is in them", () => {
    const matches = (filter: Parameters<typeof changeTest>[0], path: string) => changeTest(filter)(change(path));
    expect(matches("./docs/**", "docs/a/b")).toBe(true);
    expect(matches("docs", "docs/a")).toBe(true);
    expect(matches("docs/", "docs/a")).toBe(true);
    expect(matches(["*.md", "src/*"], "src/deep/file")).toBe(true);
    expect(matches("*.md", "docs/a.md")).toBe(false);
    expect(matches("**/*.md", "docs/a.md")).toBe(true);
    expect(matches(".", "anything")).toBe(true);
    expect(matches([], "anything")).toBe(false);
  });

  test.each(["/etc", "a/../b", "{a,b}", 7])("refuses %j", (pattern) => {
    expect(() => changeTest(pattern as never)).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
  });
});
