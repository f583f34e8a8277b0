import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FilesystemPlan, liveGrants, planFilesystem } from "../../src/domains/filesystem/mod.ts";
import { type FilesystemSection, HOME_PATH, type NormalizedPolicy, WORKSPACE_PATH } from "../../src/policy/mod.ts";
import { failure, normalized } from "../policy/helpers.ts";

const context = { workspace: WORKSPACE_PATH, home: HOME_PATH };
const bare = (section: FilesystemSection): NormalizedPolicy =>
  normalized({ filesystem: { baseline: false, ...section } });
const plan = (section: FilesystemSection): FilesystemPlan => planFilesystem(bare(section), context);

describe("planFilesystem()", () => {
  test("makes paths absolute and says which lie in the workspace", () => {
    expect(
      plan({ read: [".", "/opt/tool", { path: "~/.cache", optional: true }], write: ["./docs/**", "a\\*b"] }).grants,
    ).toEqual([
      {
        path: "/home/agent/.cache",
        access: "read",
        optional: true,
        ruleId: "filesystem.read:~/.cache",
        inWorkspace: false,
      },
      { path: "/opt/tool", access: "read", optional: false, ruleId: "filesystem.read:/opt/tool", inWorkspace: false },
      {
        path: "/workspace",
        access: "read",
        optional: false,
        ruleId: "filesystem.read:.",
        inWorkspace: true,
        workspaceRelative: ".",
      },
      {
        path: "/workspace/a*b",
        access: "write",
        optional: false,
        ruleId: "filesystem.write:./a\\*b",
        inWorkspace: true,
        workspaceRelative: "a*b",
      },
      {
        path: "/workspace/docs",
        access: "write",
        optional: false,
        ruleId: "filesystem.write:./docs",
        inWorkspace: true,
        workspaceRelative: "docs",
      },
    ]);
  });

  test("grants nothing where nothing is granted", () => {
    expect(plan({})).toEqual({ grants: [], denials: [], rules: [], unmatched: "deny", finer: false });
  });

  test("lets write beat read on one path", () => {
    expect(plan({ read: ["a"], write: ["/workspace/a"] }).grants).toMatchObject([
      { path: "/workspace/a", access: "write", ruleId: "filesystem.write:/workspace/a" },
    ]);
  });

  test("lets a missing path pass only where every rule lets it", () => {
    const optional = { path: "a", optional: true };
    expect(plan({ read: [optional], write: [optional] }).grants[0]?.optional).toBe(true);
    expect(plan({ read: ["a"], write: [optional] }).grants[0]).toMatchObject({ access: "write", optional: false });
  });

  test("names the rule of the policy before that of the baseline, and demands its path", () => {
    const { grants } = planFilesystem(normalized({ filesystem: { read: ["/usr"], write: ["/tmp"] } }), context);
    expect(grants.find(({ path }) => path === "/usr")).toMatchObject({
      ruleId: "filesystem.read:/usr",
      optional: false,
    });
    expect(grants.find(({ path }) => path === "/tmp")).toMatchObject({
      ruleId: "filesystem.write:/tmp",
      access: "write",
    });
  });

  test("keeps the baseline's access where the policy asks for less", () => {
    const { grants } = planFilesystem(normalized({ filesystem: { read: ["~", "/dev/null"] } }), context);
    expect(grants.find(({ path }) => path === HOME_PATH)).toMatchObject({ access: "write", ruleId: "baseline:~" });
    expect(grants.find(({ path }) => path === "/dev/null")).toMatchObject({
      access: "device",
      ruleId: "baseline:/dev/null",
    });
  });

  test("puts the baseline at the context's home", () => {
    const { grants } = planFilesystem(normalized({}), { workspace: "/w", home: "/h" });
    expect(grants.some(({ path }) => path === "/h")).toBe(true);
    expect(grants.every(({ inWorkspace }) => !inWorkspace)).toBe(true);
  });

  test("lists denials without a glob by their real names", () => {
    expect(plan({ read: ["./src"], deny: ["./secrets/**", "/etc/shadow", "**/.env", "a\\*b"] }).denials).toEqual([
      { path: "/etc/shadow", ruleId: "filesystem.deny:/etc/shadow" },
      { path: "/workspace/a*b", ruleId: "filesystem.deny:./a\\*b" },
      { path: "/workspace/secrets", ruleId: "filesystem.deny:./secrets" },
    ]);
  });

  test("opens the directory that all of a glob lies in, which has to be there as any other", () => {
    expect(
      plan({ read: ["**/*.md"], write: ["./docs/*/x", { path: "/opt/*.d/a", optional: true }] }).grants,
    ).toMatchObject([
      { path: "/opt", access: "write", optional: true, ruleId: "filesystem.write:/opt/*.d/a" },
      { path: "/workspace", access: "read", optional: false, workspaceRelative: "." },
      { path: "/workspace/docs", access: "write", optional: false, workspaceRelative: "docs" },
    ]);
  });

  test("opens for writing what somebody may be asked about, if it is there and can be written at all", () => {
    const { grants } = plan({ ask: ["./a", "/proc/cpuinfo", "/sys/**/x", "/**/y"] });
    expect(grants.map(({ path, access, optional }) => [path, access, optional])).toEqual([
      ["/", "read", true],
      ["/proc/cpuinfo", "read", true],
      ["/sys", "read", true],
      ["/workspace/a", "write", true],
    ]);
    expect(grants.every(({ floorOnly }) => floorOnly === undefined)).toBe(true);
  });

  test("opens what a hook may allow, and no more", () => {
    const defer = "hook";
    expect(plan({ read: [{ path: "a", defer }], write: [{ path: "b/*", defer }] }).grants).toMatchObject([
      { path: "/workspace/a", access: "read", optional: true },
      { path: "/workspace/b", access: "write", optional: true },
    ]);
  });

  test("opens the workspace, and for reading whatever is there, where what nothing matches asks", () => {
    const { grants } = plan({ unmatched: "ask" });
    expect(grants).toMatchObject([
      { path: "/", access: "read", optional: true, floorOnly: true },
      { path: "/workspace", access: "write", optional: true, workspaceRelative: "." },
    ]);
    expect(plan({ read: ["/"], unmatched: "ask" }).grants[0]).toEqual({
      path: "/",
      access: "read",
      optional: false,
      ruleId: "filesystem.read:/",
      inWorkspace: false,
    });
  });

  test("names a grant after the rule that gives it for certain", () => {
    expect(plan({ write: [{ id: "z", path: "a" }], ask: [{ id: "b", path: "a" }] }).grants).toMatchObject([
      { path: "/workspace/a", optional: false, ruleId: "z" },
    ]);
  });

  test.each<[string, FilesystemSection, boolean]>([
    ["whole files and directories", { read: [".", "/usr/**"], write: ["./docs"] }, false],
    ["a literal name with stars", { read: ["./a\\*b"] }, false],
    ["a glob", { read: ["./*.md"] }, true],
    ["a denial", { read: ["."], deny: [".env"] }, true],
    ["a denial of what nothing grants by that name", { read: ["./src"], deny: ["./secrets"] }, true],
    ["an ask", { ask: ["a"] }, true],
    ["a hook that decides", { read: [{ path: "a", defer: "hook" }] }, true],
    ["asking about what nothing matches", { unmatched: "ask" }, true],
  ])("says whether the rules are finer than the floor: %s", (_, section, finer) => {
    expect(plan(section).finer).toBe(finer);
    expect(planFilesystem(normalized({ filesystem: section }), context).finer).toBe(finer);
  });

  test("gives every rule, absolute and still escaped, the baseline's last", () => {
    const policy = normalized({
      filesystem: {
        read: ["."],
        write: [{ id: "w", path: "~/a\\*b", defer: "hook" }],
        deny: ["**/.env"],
        ask: ["./x/**"],
      },
    });
    const { rules } = planFilesystem(policy, context);
    expect(rules.slice(0, 5)).toEqual([
      { verdict: "allow", access: "read", pattern: "/workspace", ruleId: "filesystem.read:." },
      { verdict: "ask", access: "write", pattern: "/home/agent/a\\*b", ruleId: "w", defer: "hook" },
      { verdict: "deny", pattern: "/workspace/**/.env", ruleId: "filesystem.deny:./**/.env" },
      { verdict: "ask", access: "write", pattern: "/workspace/x", ruleId: "filesystem.ask:./x" },
      { verdict: "allow", access: "read", pattern: "/usr", ruleId: "baseline:/usr" },
    ]);
    expect(rules).toContainEqual({
      verdict: "allow",
      access: "device",
      pattern: "/dev/null",
      ruleId: "baseline:/dev/null",
    });
  });

  test("takes the places of the context for what they are, not for globs", () => {
    const { grants, rules } = planFilesystem(bare({ read: ["./*"] }), { workspace: "/w[*]", home: "/h" });
    expect(grants).toMatchObject([{ path: "/w[*]", workspaceRelative: "." }]);
    expect(rules[0]?.pattern).toBe("/w\\[\\*\\]/*");
  });

  test.each(["/.cofferdam", "/.cofferdam/x"])("refuses the warden's %s when only the context leads there", (home) => {
    const policy = bare({ read: ["~/x"] });
    const error = failure("POLICY_INVALID", () => planFilesystem(policy, { ...context, home }));
    expect(error.details.issues[0]?.path).toBe("filesystem.read:~/x");
  });

  test.each(["/proc/x", "/sys"])("refuses to write %s when only the context leads there", (workspace) => {
    failure("POLICY_INVALID", () => planFilesystem(bare({ write: ["."] }), { ...context, workspace }));
  });

  test.each(["", "/", "workspace", "/a/", "/a//b", "/a/../b", "/./a", "~"])(
    "refuses %j as a workspace",
    (workspace) => {
      failure("ARGUMENT_INVALID", () => planFilesystem(bare({}), { ...context, workspace }));
    },
  );

  test("takes workspaces with dots in their names", () => {
    expect(() => planFilesystem(bare({}), { workspace: "/a/.b/..c/...", home: "/h" })).not.toThrow();
  });
});

describe("liveGrants()", () => {
  const live = (section: FilesystemSection) =>
    liveGrants(plan(section)).map(({ path, access, optional, workspaceRelative }) => {
      return [path, access, optional, workspaceRelative];
    });

  test("opens the workspace as a whole, with the widest access that anything in it gets", () => {
    expect(live({ read: [".", "/opt"], write: [{ path: "./docs/deep", optional: true }] })).toEqual([
      ["/opt", "read", false, undefined],
      ["/workspace", "write", false, "."],
    ]);
    expect(live({ read: ["./a", "./b/c"] })).toEqual([["/workspace", "read", false, "."]]);
    expect(live({ ask: ["./a"] })).toEqual([["/workspace", "write", false, "."]]);
  });

  test("opens nothing of a workspace in which nothing is granted", () => {
    expect(live({ read: ["/opt", "~/x"] })).toEqual([
      ["/home/agent/x", "read", false, undefined],
      ["/opt", "read", false, undefined],
    ]);
  });

  test("names the rule behind it", () => {
    expect(liveGrants(plan({ read: ["."], write: ["./docs"] }))[0]?.ruleId).toBe("filesystem.write:./docs");
  });
});

describe("the algebra of planFilesystem()", () => {
  const name = fc.constantFrom<string[]>(
    "a",
    "a-b",
    "a/b",
    "a/b/c",
    "b",
    ".",
    "~",
    "~/a",
    "/opt",
    "/opt/a",
    "/usr",
    "/tmp",
    "/dev/null",
  );
  const rules = fc.uniqueArray(
    fc.record({
      path: name,
      access: fc.constantFrom("read" as const, "write" as const),
      optional: fc.boolean(),
      n: fc.nat(999),
    }),
    { maxLength: 12, selector: ({ n }) => n },
  );
  type Rules = typeof rules extends fc.Arbitrary<infer R> ? R : never;
  const section = (list: Rules, baseline: boolean): FilesystemSection => {
    const of = (access: "read" | "write") => {
      return list
        .filter((rule) => rule.access === access)
        .map(({ path, optional, n }) => ({ id: `r${n}`, path, optional }));
    };
    return { baseline, read: of("read"), write: of("write") };
  };
  const planOf = (list: Rules, baseline = false): FilesystemPlan => {
    return planFilesystem(normalized({ filesystem: section(list, baseline) }), context);
  };
  const rank = { read: 0, write: 1, device: 2 };

  test("opens the same in any order of the rules", () => {
    const shuffled = rules.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, fc.boolean(), ([list, other], baseline) => {
        expect(planOf(other, baseline).grants).toEqual(planOf(list, baseline).grants);
      }),
    );
  });

  test("is idempotent: a plan written as a policy plans itself", () => {
    fc.assert(
      fc.property(rules, (list) => {
        const first = planOf(list).grants;
        const again = first.map(({ path, access, optional, ruleId }) => ({
          path,
          access: access === "read" ? ("read" as const) : ("write" as const),
          optional,
          n: Number(ruleId.slice(1)),
        }));
        expect(planOf(again).grants).toEqual(first);
      }),
    );
  });

  test("is a union: a rule more never takes a grant away or narrows one", () => {
    fc.assert(
      fc.property(rules, fc.boolean(), (list, baseline) => {
        const wide = new Map(planOf(list, baseline).grants.map((grant) => [grant.path, grant]));
        for (const { path, access } of planOf(list.slice(1), baseline).grants) {
          expect(rank[wide.get(path)?.access ?? "read"]).toBeGreaterThanOrEqual(rank[access]);
          expect(wide.has(path)).toBe(true);
        }
      }),
    );
  });

  test("lists each path once, a directory before what is in it", () => {
    fc.assert(
      fc.property(rules, fc.boolean(), (list, baseline) => {
        const paths = planOf(list, baseline).grants.map(({ path }) => path);
        expect(new Set(paths).size).toBe(paths.length);
        for (const [index, path] of paths.entries()) {
          expect(paths.slice(0, index).some((earlier) => earlier.startsWith(`${path}/`))).toBe(false);
          expect(path).toMatch(/^(?:\/[^/]+)+$/);
        }
      }),
    );
  });
});
