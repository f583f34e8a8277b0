import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Change,
  comparePolicies,
  evaluatePath,
  evaluateProgram,
  type FilesystemSection,
  type PathAction,
  type Policy,
  type ProcessSection,
  pathTable,
  programTable,
  type Ruling,
} from "../../src/policy/mod.ts";
import { normalized } from "./helpers.ts";

type Written = Omit<Policy, "version">;

const compare = (old: Written, next: Written) => comparePolicies(normalized(old), normalized(next));
const filesystem = (old: FilesystemSection, next: FilesystemSection): Change => {
  return compare({ filesystem: old }, { filesystem: next }).filesystem;
};
const processes = (old: ProcessSection, next: ProcessSection): Change => {
  return compare({ process: old }, { process: next }).process;
};
const place = (change: Change): string => (change.kind === "wider" ? change.path.join(".") : change.kind);

describe("comparePolicies() on files", () => {
  test.each<[string, FilesystemSection, FilesystemSection]>([
    ["nothing", {}, {}],
    ["another order", { read: ["a", "b"] }, { read: ["b", "a"] }],
    ["another spelling, id or need", { read: ["a"] }, { read: [{ id: "x", path: "./a/**", optional: true }] }],
    ["a grant that another gives already", { read: ["."] }, { read: [".", "./src", "./*.md"] }],
    ["a denial of what nothing grants", { read: ["./a"] }, { read: ["./a"], deny: ["./b"] }],
  ])("sees no difference in %s", (_, old, next) => {
    expect(place(filesystem(old, next))).toBe("same");
  });

  test.each<[string, FilesystemSection, FilesystemSection]>([
    ["a grant less", { read: ["a", "b"] }, { read: ["a"] }],
    ["less of a tree", { write: ["."] }, { write: ["./docs"], read: ["./src/**/*.ts"] }],
    ["reading in place of writing", { write: ["."] }, { read: ["."] }],
    ["a denial more", { read: ["."] }, { read: ["."], deny: ["**/.env"] }],
    ["a wider denial", { read: ["."], deny: ["./a/.env"] }, { read: ["."], deny: ["**/.env"] }],
    ["asking in place of allowing", { write: ["."] }, { write: ["."], ask: ["./a"] }],
    ["denying in place of asking", { write: ["."], ask: ["./a"] }, { write: ["."], deny: ["./a"] }],
    ["an ask that is gone with what it was about", { read: ["./a"], ask: ["./b"] }, { read: ["./a"] }],
    ["a hook that is asked", { read: ["a"] }, { read: [{ path: "a", defer: "h" }] }],
    ["no baseline", {}, { baseline: false }],
    ["no more asking about the rest", { unmatched: "ask" }, {}],
    ["asking about some of what asked anyway", { unmatched: "ask" }, { ask: ["a"] }],
  ])("takes %s for narrower", (_, old, next) => {
    expect(place(filesystem(old, next))).toBe("narrower");
  });

  test.each<[string, FilesystemSection, FilesystemSection, string]>([
    ["a grant more", { read: ["a"] }, { read: ["a", "b"] }, "filesystem.read.1"],
    ["more of a tree", { read: ["./src"] }, { read: ["."] }, "filesystem.read.0"],
    ["writing in place of reading", { read: ["a"] }, { write: ["a"] }, "filesystem.write.0"],
    ["a denial less", { read: ["."], deny: ["a"] }, { read: ["."] }, "filesystem.deny"],
    ["a narrower denial", { read: ["."], deny: ["**/.env"] }, { read: ["."], deny: ["./a/.env"] }, "filesystem.deny"],
    ["allowing in place of asking", { ask: ["a"] }, { read: ["a"] }, "filesystem.read.0"],
    ["asking in place of denying", { write: ["."], deny: ["a"] }, { write: ["."], ask: ["a"] }, "filesystem.deny"],
    ["an ask about something new", { read: ["a"] }, { read: ["a"], ask: ["b"] }, "filesystem.ask.0"],
    ["another hook", { read: [{ path: "a", defer: "h" }] }, { read: [{ path: "a", defer: "i" }] }, "filesystem.read.0"],
    ["an approver in place of a hook", { ask: [{ path: "a", defer: "h" }] }, { ask: ["a"] }, "filesystem.ask.0"],
    ["asking about the rest", {}, { unmatched: "ask" }, "filesystem.unmatched"],
    ["a baseline", { baseline: false }, {}, "filesystem.baseline"],
  ])("takes %s for wider, and says where", (_, old, next, where) => {
    expect(place(filesystem(old, next))).toBe(where);
  });

  test("says why", () => {
    expect(filesystem({ read: ["a"] }, { read: ["b"] })).toEqual({
      kind: "wider",
      because: "no filesystem rule of the old policy contains filesystem.read:./b",
      path: ["filesystem", "read", 0],
    });
  });
});

describe("comparePolicies() on programs", () => {
  const push = { binary: "git", args: ["push", "**"] };

  test.each<[string, ProcessSection, ProcessSection, string]>([
    ["nothing", {}, {}, "same"],
    ["a list where there was none", {}, { allow: ["git"] }, "narrower"],
    ["a list that asks where there was none", {}, { allow: [], unmatched: "ask" }, "narrower"],
    ["no list", { allow: ["git"] }, {}, "process"],
    ["a program less", { allow: ["git", "gh"] }, { allow: ["git"] }, "narrower"],
    ["a program of a glob", { allow: ["/usr/bin/*"] }, { allow: ["/usr/bin/git"] }, "narrower"],
    ["a program more", { allow: ["git"] }, { allow: ["git", "gh"] }, "process.allow.1"],
    ["a glob for a program", { allow: ["git"] }, { allow: ["git*"] }, "process.allow.0"],
    ["a path for a name", { allow: ["git"] }, { allow: ["/usr/bin/git"] }, "process.allow.0"],
    ["a hash more", { allow: ["git"] }, { allow: [{ binary: "git", sha256: "ab".repeat(32) }] }, "narrower"],
    ["arguments more", { allow: ["git"] }, { allow: [push] }, "narrower"],
    ["any arguments", { allow: [push] }, { allow: ["git"] }, "process.allow.0"],
    ["a denial more", {}, { deny: [push] }, "narrower"],
    ["a wider denial", { deny: [push] }, { deny: ["git"] }, "narrower"],
    ["a denial less", { deny: [push] }, {}, "process.deny"],
    ["an ask more", { allow: ["git"] }, { allow: ["git"], ask: [push] }, "narrower"],
    ["an ask less", { allow: ["git"], ask: [push] }, { allow: ["git"] }, "process.ask"],
    ["denying in place of asking", { ask: [push] }, { deny: [push] }, "narrower"],
    ["asking about the rest", { allow: ["git"] }, { allow: ["git"], unmatched: "ask" }, "process.unmatched"],
    ["other limits", {}, { limits: { pids: 5 } }, "process.limits"],
    ["lower limits", { limits: { pids: 5 } }, { limits: { pids: 4 } }, "process.limits"],
  ])("%s", (_, old, next, expected) => {
    expect(place(processes(old, next))).toBe(expected);
  });

  test("says that limits hold", () => {
    expect(processes({}, { limits: { cpus: 1 } })).toMatchObject({
      because: "limits hold for the life of a sandbox",
    });
  });
});

/** Half of the rules of a pair of policies are the same, or near relations, so that narrower ones are found. */
function pairs<S>(section: fc.Arbitrary<S>, mutate: (section: S, pick: number, other: S) => S): fc.Arbitrary<[S, S]> {
  const near = fc.tuple(section, fc.array(fc.tuple(fc.nat(), section), { maxLength: 3 }));
  const related = near.map(([old, changes]): [S, S] => {
    return [old, changes.reduce((next, [pick, other]) => mutate(next, pick, other), old)];
  });
  return fc.oneof({ arbitrary: related, weight: 4 }, { arbitrary: fc.tuple(section, section), weight: 1 });
}

/** Takes an entry away, or adds one of another list. */
function changed<T>(list: readonly T[] = [], pick: number, others: readonly T[] = []): T[] {
  if (pick % 3 === 0) return list.filter((_, index) => index !== pick % (list.length + 1));
  const other = others[0];
  return pick % 3 === 1 && other !== undefined ? [...list, other] : [...list];
}

const places = { workspace: "/workspace", home: "/home/agent" };
const BARE = { filesystem: { baseline: false } };
const RANK = { deny: 0, ask: 1, allow: 2 };

function expectNotWider(old: Ruling, next: Ruling): void {
  expect(RANK[next.verdict]).toBeLessThanOrEqual(RANK[old.verdict]);
  if (next.verdict === "ask" && old.verdict === "ask") expect(next.defer).toBe(old.defer);
}

describe("what comparePolicies() takes for no wider", () => {
  const defer = fc.constantFrom(undefined, undefined, undefined, "h", "i");

  test("allows nothing new on any path", { timeout: 240_000 }, () => {
    const segment = fc.constantFrom("a", "b", "*", "**", "a*");
    const path = fc
      .tuple(fc.constantFrom("./", "/", "/workspace/"), fc.array(segment, { minLength: 1, maxLength: 3 }))
      .map(([start, segments]) => start + segments.join("/"));
    // The root cannot be granted for writing.
    const inside = path.filter((name) => !/^\/[^/]*\*/.test(name));
    const grants = fc.array(
      fc.record({ path: inside, defer }).map(({ path, defer }) => ({ path, ...(defer ? { defer } : {}) })),
      { maxLength: 3 },
    );
    const section: fc.Arbitrary<FilesystemSection> = fc.record({
      baseline: fc.constant(false),
      read: grants,
      write: grants,
      deny: fc.array(path, { maxLength: 2 }),
      ask: grants,
      unmatched: fc.constantFrom("deny", "deny", "ask"),
    });
    const mutate = (old: FilesystemSection, pick: number, other: FilesystemSection): FilesystemSection => {
      const lists = ["read", "write", "deny", "ask"] as const;
      const list = lists[pick % 4] ?? "read";
      return { ...old, [list]: changed<unknown>(old[list], Math.floor(pick / 4), other[list]) };
    };
    const at = fc
      .tuple(fc.constantFrom("/workspace", ""), fc.array(fc.constantFrom("a", "b", "ab", "c"), { maxLength: 4 }))
      .map(([start, segments]) => [start, ...segments].join("/") || "/");
    const action = fc.constantFrom<PathAction[]>("read", "write", "delete");
    let found = 0;
    fc.assert(
      fc.property(
        pairs(section, mutate),
        fc.array(fc.tuple(at, action), { minLength: 20, maxLength: 40 }),
        (pair, probes) => {
          const [old, next] = pair.map((section) => normalized({ filesystem: section })) as [never, never];
          if (comparePolicies(old, next).filesystem.kind === "wider") return;
          found++;
          const [before, after] = [pathTable(old, places), pathTable(next, places)];
          for (const [path, action] of probes) {
            expectNotWider(evaluatePath(before, path, action), evaluatePath(after, path, action));
          }
        },
      ),
      { numRuns: 3000 },
    );
    expect(found).toBeGreaterThan(500);
  });

  test("starts nothing new", { timeout: 240_000 }, () => {
    const binary = fc.constantFrom("ls", "wget", "*", "w*", "/bin/ls", "/bin/*", "/bin/busybox", "/**");
    const args = fc.constantFrom(undefined, undefined, [], ["x"], ["**"], ["x", "**"]);
    const sha256 = fc.constantFrom(undefined, undefined, "ab".repeat(32));
    const given = <T extends object>(record: T): T => {
      return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;
    };
    const denials = fc.array(fc.record({ binary, args }).map(given), { maxLength: 2 });
    const rules = fc.array(fc.record({ binary, args, sha256, defer }).map(given), { maxLength: 3 });
    const section = fc
      .record({
        allow: fc.option(rules, { nil: undefined }),
        deny: denials,
        ask: rules,
        unmatched: fc.constantFrom("deny", "ask"),
      })
      .map(given) as fc.Arbitrary<ProcessSection>;
    const mutate = (old: ProcessSection, pick: number, other: ProcessSection): ProcessSection => {
      const list = (["allow", "deny", "ask"] as const)[pick % 3] ?? "allow";
      if (list === "allow" && old.allow === undefined) return other.allow ? { ...old, allow: other.allow } : old;
      return { ...old, [list]: changed<unknown>(old[list], Math.floor(pick / 3), other[list]) };
    };
    const name = fc.constantFrom("/bin/ls", "/bin/wget", "/bin/busybox", "/opt/x");
    const start = fc.record({
      path: name,
      requested: name,
      argv: fc.tuple(fc.constantFrom("ls", "wget", "busybox"), fc.constantFrom("x", "y")),
      sha256: fc.constantFrom("ab".repeat(32), "cd".repeat(32)),
    });
    let found = 0;
    fc.assert(
      fc.property(pairs(section, mutate), fc.array(start, { minLength: 20, maxLength: 40 }), (pair, probes) => {
        const [old, next] = pair.map((process) => normalized({ process, ...BARE })) as [never, never];
        if (comparePolicies(old, next).process.kind === "wider") return;
        found++;
        const [before, after] = [programTable(old, places), programTable(next, places)];
        for (const probe of probes) {
          expectNotWider(evaluateProgram(before, probe, ["/bin"]), evaluateProgram(after, probe, ["/bin"]));
        }
      }),
      { numRuns: 3000 },
    );
    expect(found).toBeGreaterThan(500);
  });
});
