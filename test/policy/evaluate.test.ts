import { describe, expect, test } from "vitest";
import {
  evaluatePath,
  evaluateProgram,
  type FilesystemSection,
  globCovers,
  type PathAction,
  type ProcessSection,
  type ProgramStart,
  pathTable,
  programTable,
} from "../../src/policy/mod.ts";
import { normalized } from "./helpers.ts";

const places = { workspace: "/workspace", home: "/home/agent" };
const ACTIONS: readonly PathAction[] = [
  ...(["read", "list", "start"] as const),
  ...(["write", "create", "delete", "rename", "link", "metadata", "connect"] as const),
];

describe("globCovers()", () => {
  test.each([
    ["/a", "/a", true],
    ["/a", "/a/b/c", true],
    ["/a", "/ab", false],
    ["/a/b", "/a", false],
    ["/", "/", true],
    ["/", "/a/b", true],
    ["/a/*", "/a", false],
    ["/a/*", "/a/b/c", true],
    ["/a/*.d/x", "/a/b.d/x/y", true],
    ["/a/*.d/x", "/a/b.d/y", false],
    ["/a/**/.env", "/a/.env", true],
    ["/a/**/.env", "/a/b/c/.env/d", true],
    ["/a/**/.env", "/a/b/c/.environment", false],
    ["/a\\*b", "/a*b/c", true],
    ["/a\\*b", "/axb", false],
  ])("%s on %s is %s", (pattern, path, expected) => {
    expect(globCovers(pattern, path)).toBe(expected);
  });
});

describe("evaluatePath()", () => {
  const table = (section: FilesystemSection) => {
    return pathTable(normalized({ filesystem: { baseline: false, ...section } }), places);
  };
  const verdicts = (section: FilesystemSection, path: string): string[] => {
    return ACTIONS.map((action) => evaluatePath(table(section), path, action).verdict);
  };

  test("lets what is readable be read, listed and started, and what is writable be anything", () => {
    const [reading, rest] = [3, ACTIONS.length - 3];
    const all = (verdict: string, count: number): string[] => new Array(count).fill(verdict);
    expect(verdicts({ read: ["a"] }, "/workspace/a/b")).toEqual([...all("allow", reading), ...all("deny", rest)]);
    expect(verdicts({ write: ["a"] }, "/workspace/a")).toEqual(all("allow", ACTIONS.length));
    expect(verdicts({ write: ["a"] }, "/workspace")).toEqual(all("deny", ACTIONS.length));
    expect(verdicts({ ask: ["a"] }, "/workspace/a")).toEqual(all("ask", ACTIONS.length));
    expect(verdicts({ write: ["."], deny: ["a"] }, "/workspace/a/b")).toEqual(all("deny", ACTIONS.length));
    expect(verdicts({ unmatched: "ask" }, "/opt")).toEqual(all("ask", ACTIONS.length));
  });

  test("lets a device be read and written, and nothing else", () => {
    const devices = pathTable(normalized({}), places);
    const allowed = ACTIONS.filter((action) => evaluatePath(devices, "/dev/null", action).verdict === "allow");
    expect(allowed).toEqual(["read", "list", "start", "write"]);
  });

  test("takes a denial before an ask before an allowance, and names the first of several", () => {
    const section: FilesystemSection = {
      read: [{ id: "r", path: "." }],
      write: [{ id: "w", path: "." }],
      deny: [{ id: "d", path: "**/.env" }],
      ask: [{ id: "k", path: "./conf" }],
    };
    const ruling = (path: string, action: PathAction) => evaluatePath(table(section), `/workspace/${path}`, action);
    expect(ruling("conf/.env", "read")).toEqual({ verdict: "deny", ruleId: "d" });
    expect(ruling("conf/x", "read")).toEqual({ verdict: "ask", ruleId: "k" });
    expect(ruling("x", "read")).toEqual({ verdict: "allow", ruleId: "r" });
    expect(ruling("x", "write")).toEqual({ verdict: "allow", ruleId: "w" });
    expect(evaluatePath(table(section), "/opt", "read")).toEqual({ verdict: "deny" });
  });

  test("asks the hook that a rule defers to, about what the rule is about", () => {
    const section: FilesystemSection = { read: [{ id: "r", path: "a", defer: "hook" }] };
    expect(evaluatePath(table(section), "/workspace/a", "read")).toEqual({
      verdict: "ask",
      ruleId: "r",
      defer: "hook",
    });
    expect(evaluatePath(table(section), "/workspace/a", "write")).toEqual({ verdict: "deny" });
  });
});

describe("evaluateProgram()", () => {
  const search = ["/usr/local/bin", "/usr/bin"];
  const start = (path: string, rest: Partial<ProgramStart> = {}): ProgramStart => {
    return { path, requested: path, argv: [path], ...rest };
  };
  const ruling = (section: ProcessSection, program: ProgramStart) => {
    return evaluateProgram(programTable(normalized({ process: section }), places), program, search);
  };
  const verdict = (section: ProcessSection, program: ProgramStart) => ruling(section, program).verdict;

  test("lets everything start unless there is a list", () => {
    expect(ruling({}, start("/anything"))).toEqual({ verdict: "allow" });
    expect(verdict({ deny: ["curl"], unmatched: "ask" }, start("/anything"))).toBe("allow");
    expect(verdict({ allow: [] }, start("/usr/bin/git"))).toBe("deny");
    expect(verdict({ allow: [], unmatched: "ask" }, start("/usr/bin/git"))).toBe("ask");
  });

  test.each<[string, string, boolean]>([
    ["git", "/usr/bin/git", true],
    ["git", "/usr/local/bin/git", true],
    ["git", "/workspace/git", false],
    ["git", "/usr/bin/sub/git", false],
    ["git", "/usr/bin/github", false],
    ["git-*", "/usr/bin/git-lfs", true],
    ["/usr/bin/git", "/usr/bin/git", true],
    ["/usr/bin/*", "/usr/bin/sub/git", false],
    ["/usr/bin/**", "/usr/bin/sub/git", true],
    ["/usr/bin", "/usr/bin/git", false],
    ["./tools/*", "/workspace/tools/x", true],
    ["~/bin/x", "/home/agent/bin/x", true],
  ])("%s on %s is %s", (binary, path, matches) => {
    expect(verdict({ allow: [binary] }, start(path))).toBe(matches ? "allow" : "deny");
    expect(verdict({ deny: [binary] }, start(path))).toBe(matches ? "deny" : "allow");
  });

  test("takes a program by what it was asked for as, too", () => {
    const python = start("/usr/bin/python3.12", { requested: "/usr/bin/python3", argv: ["python3"] });
    expect(verdict({ allow: ["python3"] }, python)).toBe("allow");
    expect(verdict({ allow: ["python3.12"] }, python)).toBe("allow");
    expect(verdict({ deny: ["python3"] }, python)).toBe("deny");
  });

  test("lets a program of many names be only the one that is allowed", () => {
    const busybox = (argv0: string) => start("/bin/busybox", { requested: "/usr/bin/ls", argv: [argv0] });
    for (const allow of ["ls", "/usr/bin/ls"]) {
      expect(verdict({ allow: [allow] }, busybox("ls"))).toBe("allow");
      expect(verdict({ allow: [allow] }, busybox("/usr/bin/ls"))).toBe("allow");
      expect(verdict({ allow: [allow] }, busybox("-ls"))).toBe("allow");
      expect(verdict({ allow: [allow] }, busybox("wget"))).toBe("deny");
      expect(verdict({ allow: [], ask: [allow] }, busybox("wget"))).toBe("deny");
      expect(verdict({ deny: [allow] }, busybox("wget"))).toBe("deny");
    }
    expect(verdict({ allow: ["ls"] }, { ...busybox("ls"), argv: [] })).toBe("deny");
    expect(verdict({ allow: ["/bin/busybox"] }, busybox("wget"))).toBe("allow");
  });

  test.each<[readonly string[], readonly string[], boolean]>([
    [[], [], true],
    [[], ["x"], false],
    [["push", "**"], ["push"], true],
    [["push", "**"], ["push", "a", "b"], true],
    [["push", "**"], ["-C", "push"], false],
    [["**", "push", "**"], ["-C", "x", "push", "y"], true],
    [["**", "push"], ["push", "push"], true],
    [["**", "push"], ["push", "x"], false],
    [["--*"], ["--force"], true],
    [["*.txt"], ["a/b.txt"], false],
    [["**/*.txt"], ["a/b.txt"], true],
    [["*"], [""], false],
  ])("arguments %j on %j is %s", (args, given, matches) => {
    const program = start("/usr/bin/git", { argv: ["git", ...given] });
    expect(verdict({ allow: [{ binary: "git", args }] }, program)).toBe(matches ? "allow" : "deny");
  });

  test("wants the hash that a rule names", () => {
    const section: ProcessSection = { allow: [{ binary: "git", sha256: "AB".repeat(32) }] };
    expect(verdict(section, start("/usr/bin/git", { sha256: "ab".repeat(32) }))).toBe("allow");
    expect(verdict(section, start("/usr/bin/git", { sha256: "cd".repeat(32) }))).toBe("deny");
    expect(verdict(section, start("/usr/bin/git"))).toBe("deny");
  });

  test("takes a denial before an ask before an allowance", () => {
    const section: ProcessSection = {
      allow: ["git"],
      deny: [{ id: "d", binary: "git", args: ["push", "**"] }],
      ask: [{ id: "k", binary: "git", args: ["p*", "**"], defer: "hook" }],
    };
    const git = (...args: string[]) => ruling(section, start("/usr/bin/git", { argv: ["git", ...args] }));
    expect(git("push")).toEqual({ verdict: "deny", ruleId: "d" });
    expect(git("pull")).toEqual({ verdict: "ask", ruleId: "k", defer: "hook" });
    expect(git("log")).toEqual({ verdict: "allow", ruleId: "process.allow:git" });
  });
});
