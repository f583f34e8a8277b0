import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FilesystemPlan, planFilesystem } from "../../src/domains/filesystem/mod.ts";
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
    expect(plan({})).toEqual({ grants: [], denials: [] });
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

  test("keeps denials of what nothing grants, for the runtime to check against links", () => {
    expect(plan({ read: ["./src"], deny: ["./secrets/**", "/etc/shadow"] }).denials).toEqual([
      { path: "/etc/shadow", ruleId: "filesystem.deny:/etc/shadow" },
      { path: "/workspace/secrets", ruleId: "filesystem.deny:./secrets" },
    ]);
  });

  test.each<[string, FilesystemSection]>([
    ["a glob", { read: ["./*.md"] }],
    ["a denial inside a grant", { read: ["."], deny: [".env"] }],
    ["ask", { ask: ["a"] }],
    ["defer", { read: [{ path: "a", defer: "hook" }] }],
  ])("refuses %s on its own, so that nothing is left out silently", (_, section) => {
    failure("POLICY_UNSUPPORTED", () => plan(section));
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

  test("does not depend on the order of the rules", () => {
    const shuffled = rules.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, fc.boolean(), ([list, other], baseline) => {
        expect(planOf(other, baseline)).toEqual(planOf(list, baseline));
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
