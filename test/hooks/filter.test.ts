import { describe, expect, test } from "vitest";
import { allow, binaryPatterns, deny, type FilesystemOperation, pathPatterns } from "../../src/hooks/mod.ts";
import { compileGlob } from "../../src/policy/mod.ts";
import { access, onAccess, onStart, open, start } from "./support.ts";

const NO = { handler: () => deny("no") };
const YES = { handler: () => allow("yes") };

describe("subscriptions()", () => {
  test("has absolute patterns, and empty lists where a hook cares about everything", async () => {
    const { registry } = await open([
      onAccess("all", NO),
      onAccess("some", {
        ...NO,
        paths: ["./docs/**", "src", "~/.ssh", "/etc", "**/*.pem", "."],
        operations: ["read", "write"],
        binaries: ["git", "/usr/local/bin/*", "./tool"],
      }),
      onStart("programs", { ...NO, binaries: ["python*"] }),
    ]);
    expect(registry.subscriptions()).toEqual([
      { domain: "filesystem", operations: [], paths: [], binaries: [] },
      {
        domain: "filesystem",
        operations: ["read", "write"],
        paths: ["/workspace/docs", "/workspace/src", "/home/agent/.ssh", "/etc", "/workspace/**/*.pem", "/workspace"],
        binaries: ["/**/git", "/usr/local/bin/*", "/workspace/tool"],
      },
      { domain: "process", operations: [], paths: [], binaries: ["/**/python*"] },
    ]);
  });

  test("the patterns are globs of the one dialect", () => {
    expect(pathPatterns(["/"])).toEqual(["/"]);
    expect(binaryPatterns(["~/bin/*", "sh"])).toEqual(["/home/agent/bin/*", "/**/sh"]);
    expect(compileGlob("/**/sh")("/bin/sh")).toBe(true);
    expect(compileGlob("/**/sh")("/bin/bash")).toBe(false);
  });
});

describe("a filter on files", () => {
  const denied = async (options: object, ...accesses: Parameters<typeof access>[]) => {
    const { registry } = await open([onAccess("p", { ...NO, ...options })]);
    const decided = accesses.map((each) => registry.decideAccess(access(...each), { verdict: "allow" }));
    return (await Promise.all(decided)).map(({ verdict }) => verdict === "deny");
  };

  test("a directory stands for its tree, and for nothing beside it", async () => {
    expect(
      await denied(
        { paths: ["./docs"] },
        ["/workspace/docs"],
        ["/workspace/docs/a/b"],
        ["/workspace/docs2"],
        ["/workspace"],
        ["/docs"],
      ),
    ).toEqual([true, true, false, false, false]);
    expect(await denied({ paths: ["/"] }, ["/"], ["/etc/passwd"])).toEqual([true, true]);
  });

  test("knows globs, operations, and the asking program", async () => {
    expect(await denied({ paths: ["/**/*.pem"] }, ["/etc/a.pem"], ["/a.pem/key"], ["/a.pem2"])).toEqual([
      true,
      true,
      false,
    ]);
    const operations: FilesystemOperation[] = ["delete"];
    expect(await denied({ operations }, ["/a", { operation: "delete" }], ["/a"])).toEqual([true, false]);
    expect(
      await denied({ binaries: ["cat"] }, ["/a"], ["/a", { binary: "/bin/tac" }], ["/a", { binary: "/opt/cat" }]),
    ).toEqual([true, false, true]);
  });

  test("counts the other end of a rename and a link, which is created there", async () => {
    const drafts = { paths: ["./drafts"] };
    const into = { operation: "rename", target: "/workspace/drafts/a" } as const;
    const out = { operation: "rename", target: "/workspace/other" } as const;
    expect(await denied(drafts, ["/workspace/a", into], ["/workspace/drafts/a", out], ["/workspace/a", out])).toEqual([
      true,
      true,
      false,
    ]);
    const creates = { ...drafts, operations: ["create"] };
    expect(
      await denied(
        creates,
        ["/workspace/a", into],
        ["/workspace/drafts/a", out],
        ["/workspace/a", { operation: "link", target: "/workspace/drafts/a" }],
      ),
    ).toEqual([true, false, true]);
  });

  test("a hook that knows only one end cannot allow the other", async () => {
    const { registry } = await open([onAccess("drafts", { ...YES, paths: ["./drafts"] })]);
    const decide = (path: string, target: string, defer?: string) =>
      registry.decideAccess(access(path, { operation: "rename", target }), { verdict: "ask", defer });
    for (const defer of [undefined, "drafts"]) {
      const inside = await decide("/workspace/drafts/a", "/workspace/drafts/b", defer);
      const overwrite = await decide("/workspace/drafts/a", "/workspace/CHANGELOG.md", defer);
      const takeAway = await decide("/workspace/CHANGELOG.md", "/workspace/drafts/a", defer);
      expect([inside.verdict, overwrite.verdict, takeAway.verdict]).toEqual(["allow", "deny", "deny"]);
    }
  });

  test("a program that is not known is denied what one that is meant would be, and allowed nothing", async () => {
    expect(await denied({ binaries: ["cat"] }, ["/a", { binary: "" }])).toEqual([true]);
    const { registry } = await open([onAccess("cats", { ...YES, binaries: ["cat"] })]);
    const decide = (binary: string) => registry.decideAccess(access("/a", { binary }), { verdict: "ask" });
    expect([(await decide("")).verdict, (await decide("/bin/cat")).verdict]).toEqual(["deny", "allow"]);
  });
});

describe("a filter on programs", () => {
  const decide = async (
    hook: object,
    each: ReturnType<typeof start>,
    ruling: { verdict: "allow" | "ask"; defer?: string },
  ) => {
    const { registry } = await open([onStart("p", hook as never)]);
    return (await registry.decideStart(each, ruling)).verdict;
  };
  const git = { ...NO, binaries: ["git"] };
  const onlyGit = { ...YES, binaries: ["git", "./build.sh"] };
  const script = start(["./build.sh"], { path: "/usr/bin/evil", script: "/workspace/build.sh" });

  test("means the program that runs, the script, and what a program of many names is called", async () => {
    expect(await decide(git, start(["git"]), { verdict: "allow" })).toBe("deny");
    expect(await decide(git, start(["sh"]), { verdict: "allow" })).toBe("allow");
    expect(await decide({ ...NO, binaries: ["build.sh"] }, script, { verdict: "allow" })).toBe("deny");
    for (const name of ["git", "-git", "/bin/git"]) {
      expect(await decide(git, start([name], { path: "/bin/busybox" }), { verdict: "allow" })).toBe("deny");
    }
  });

  test("a program is not allowed for what it calls itself", async () => {
    expect(await decide(onlyGit, start(["git"]), { verdict: "ask" })).toBe("allow");
    for (const defer of [undefined, "p"]) {
      const ruling = { verdict: "ask", ...(defer === undefined ? {} : { defer }) } as const;
      expect(await decide(onlyGit, start(["git"], { path: "/opt/evil" }), ruling)).toBe("deny");
      expect(await decide(onlyGit, start(["/usr/bin/git"], { path: "/opt/evil" }), ruling)).toBe("deny");
    }
  });

  test("an interpreter is not allowed for a script that chose it, unless the rule asks this hook", async () => {
    expect(await decide(onlyGit, script, { verdict: "ask" })).toBe("deny");
    expect(await decide(onlyGit, script, { verdict: "ask", defer: "p" })).toBe("allow");
  });
});
