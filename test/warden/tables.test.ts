/**
 * The warden's rules on paths, and what hooks see of them. They are held to `evaluatePath()`, which says the same in
 * TypeScript.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CODES, FLAGS } from "../../src/link/protocol.ts";
import { evaluatePath, type PathAction, type PathRule } from "../../src/policy/mod.ts";
import { below, Driver, hex, paths, trees } from "./tables-support.ts";

let driver: Driver;

beforeAll(() => {
  driver = new Driver();
}, 60_000);

afterAll(() => driver.close());

type Rule = Omit<PathRule, "ruleId">;

interface Hook {
  readonly actions?: readonly PathAction[];
  readonly paths?: readonly string[];
  readonly binaries?: readonly string[];
}

const ACTIONS: readonly PathAction[] = [
  ...(["read", "list", "start"] as const),
  ...(["write", "create", "delete", "rename", "link", "metadata", "connect"] as const),
];
const bytes = (texts: readonly string[] = []): Buffer[] => texts.map((text) => Buffer.from(text));

function begin(flags = 0, search: readonly string[] = []): Promise<boolean> {
  return driver.takes("policy", {
    generation: 1,
    mode: 3,
    flags,
    timeoutMs: 1,
    untrusted: [],
    volumes: [],
    search: bytes(search),
  });
}

function add({ verdict, access, pattern }: Rule, rule: number): Promise<boolean> {
  const codes = { verdict: CODES.verdict[verdict], access: access === undefined ? 0 : CODES.access[access] };
  return driver.takes("pathRule", { ...codes, rule, pattern: Buffer.from(pattern) });
}

function hook({ actions = [], paths, binaries }: Hook, domain: number = CODES.domain.filesystem): Promise<boolean> {
  const bits = actions.reduce((all, action) => all | (1 << CODES.action[action]), 0);
  return driver.takes("subscription", { domain, actions: bits, paths: bytes(paths), binaries: bytes(binaries) });
}

async function load(rules: readonly Rule[], hooks: readonly Hook[] = [], flags = 0): Promise<void> {
  expect(await begin(flags)).toBe(true);
  for (const [index, rule] of rules.entries()) expect(await add(rule, index + 1)).toBe(true);
  for (const each of hooks) expect(await hook(each)).toBe(true);
}

const allow = (access: "read" | "write" | "device", pattern: string): Rule => ({ verdict: "allow", access, pattern });
const deny = (pattern: string): Rule => ({ verdict: "deny", pattern });
const ask = (pattern: string, access: "read" | "write" = "write"): Rule => ({ verdict: "ask", access, pattern });
const ASK_UNMATCHED = FLAGS.policy.unmatchedPathAsk;

const anyRule: fc.Arbitrary<Rule> = fc.oneof(
  trees.map(deny),
  fc.tuple(trees, fc.constantFrom("read", "write")).map(([pattern, access]) => ask(pattern, access)),
  fc.tuple(trees, fc.constantFrom("read", "write", "device")).map(([pattern, access]) => allow(access, pattern)),
);
const anyHook: fc.Arbitrary<Hook> = fc.record({
  actions: fc.subarray([...ACTIONS], { maxLength: 3 }),
  paths: fc.array(trees, { maxLength: 2 }),
});

describe("tables_path()", () => {
  test("agrees with evaluatePath()", async () => {
    const tables = fc.array(anyRule, { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(tables, fc.boolean(), fc.array(paths, { minLength: 4 }), async (rules, asks, all) => {
        await load(rules, [], asks ? ASK_UNMATCHED : 0);
        const named = rules.map((rule, index) => ({ ...rule, ruleId: String(index + 1) }));
        for (const path of [...all, "/"]) {
          for (const action of ACTIONS) {
            const { verdict, ruleId } = evaluatePath({ rules: named, unmatched: asks ? "ask" : "deny" }, path, action);
            const reason = ruleId === undefined ? "unmatched" : "rule";
            const ruling = { verdict, reason, rule: Number(ruleId ?? 0), hooked: false };
            expect(await driver.rulePath(path, action)).toEqual(ruling);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test("takes an empty policy for a denial of everything", async () => {
    await load([]);
    expect(await driver.rulePath("/", "read")).toEqual({
      verdict: "deny",
      reason: "unmatched",
      rule: 0,
      hooked: false,
    });
  });

  test("compares paths by their bytes, however long they are", async () => {
    const long = `/${"a/".repeat(2000)}b`;
    await load([allow("read", "/é"), allow("read", long.slice(0, -2)), deny(long)]);
    expect((await driver.rulePath("/é/x", "read")).verdict).toBe("allow");
    expect((await driver.rulePath("/e\u0301/x", "read")).verdict).toBe("deny");
    expect(await driver.rulePath(`${long}/${"c".repeat(200)}`, "read")).toMatchObject({ verdict: "deny", rule: 3 });
    expect(await driver.rulePath(`${long}b`, "read")).toMatchObject({ verdict: "allow", rule: 2 });
  });
});

describe("hooks", () => {
  const hooked = async (path: string, action: PathAction, binary?: string): Promise<boolean> => {
    return (await driver.rulePath(path, action, binary)).hooked;
  };

  test("see what they name, and no denial", async () => {
    await load([allow("write", "/a"), deny("/a/no")], [{ actions: ["write", "create"], paths: ["/a/x", "/a/**/y"] }]);
    expect(await hooked("/a/x/z", "write")).toBe(true);
    expect(await hooked("/a/b/y", "create")).toBe(true);
    expect(await hooked("/a/x/z", "read")).toBe(false);
    expect(await hooked("/a/z", "write")).toBe(false);
    expect(await hooked("/a/no/y", "write")).toBe(false);
    expect(await hooked("/b", "write")).toBe(false);
  });

  test("see everything where they name nothing, and what the policy asks", async () => {
    await load([], [{}], ASK_UNMATCHED);
    for (const action of ACTIONS) expect(await hooked("/", action)).toBe(true);
  });

  test("of starts see no path", async () => {
    await load([allow("write", "/")]);
    expect(await hook({}, CODES.domain.process)).toBe(true);
    expect(await hooked("/a", "read")).toBe(false);
  });

  test("go by the program, by path or by name, and see what is not known", async () => {
    await load([allow("write", "/")], [{ paths: ["/a"], binaries: ["/usr/bin/*", "node", "/**/git-*"] }]);
    for (const binary of ["/usr/bin/x", "/opt/node", "/x/git-lfs", "", undefined]) {
      expect(await hooked("/a", "read", binary)).toBe(true);
      expect(await hooked("/b", "read", binary)).toBe(false);
    }
    for (const binary of ["/usr/bin/x/y", "/opt/nodes", "/node/x"]) {
      expect(await hooked("/a", "read", binary)).toBe(false);
    }
  });
});

describe("tables_allow_rename()", () => {
  const cases: readonly [string, Rule[], Hook[], string, string, boolean][] = [
    ["nothing finer", [allow("write", "/a")], [], "/a/x", "/a/y", true],
    ["a denial elsewhere", [allow("write", "/a"), deny("/a/z")], [], "/a/x", "/a/y", true],
    ["a denial below", [allow("write", "/a"), deny("/a/x/secret")], [], "/a/x", "/a/y", false],
    ["a denial below the new name", [allow("write", "/a"), deny("/a/y/secret")], [], "/a/x", "/a/y", false],
    ["a denial everywhere", [allow("write", "/a"), deny("/a/**/.env")], [], "/a/x", "/a/b/y", true],
    ["a denial in one tree", [allow("write", "/"), deny("/a/**/.env")], [], "/a/x", "/b/x", false],
    ["an ask below", [allow("write", "/a"), ask("/a/x/conf")], [], "/a/x", "/a/y", false],
    ["an ask above both", [allow("write", "/a"), ask("/a/b")], [], "/a/b/x", "/a/b/y", true],
    ["an ask about reading, left", [allow("write", "/a"), ask("/a/**/x", "read")], [], "/a/x", "/a/y", false],
    ["a hook below", [allow("write", "/a")], [{ paths: ["/a/x/conf"] }], "/a/x", "/a/y", false],
    ["a hook above both", [allow("write", "/a")], [{ paths: ["/a"] }], "/a/x", "/a/y", true],
    ["a hook for all", [allow("write", "/a")], [{ paths: [] }], "/a/x", "/a/y", true],
    [
      "a hook on reading, left",
      [allow("write", "/a")],
      [{ actions: ["read"], paths: ["/a/**/x"] }],
      "/a/x",
      "/a/y",
      false,
    ],
    [
      "a grant inside a grant",
      [allow("write", "/a"), allow("read", "/a/x/b"), allow("write", "/a/*/c")],
      [],
      "/a/x",
      "/a/y",
      true,
    ],
    ["grants beside each other", [allow("write", "/a"), allow("write", "/b")], [], "/a/x", "/b/x", true],
    [
      "a grant inside what is asked",
      [ask("/a"), allow("write", "/b"), allow("read", "/b/y/z")],
      [],
      "/a/x",
      "/b/y",
      false,
    ],
  ];

  test.each(cases)("with %s: %j %j from %s to %s is %s", async (_name, rules, hooks, from, to, expected) => {
    await load(rules, hooks);
    expect(await driver.asks("rename", from, to)).toBe(expected);
  });

  test("lets no path below get another verdict, or away from a hook", async () => {
    const tables = fc.tuple(fc.array(anyRule, { maxLength: 3 }), fc.array(anyHook, { maxLength: 1 }));
    const grants = fc.subarray([allow("write", "/"), allow("write", "/a"), allow("write", "/b")]);
    let renamed = 0;
    await fc.assert(
      fc.asyncProperty(
        tables,
        grants,
        fc.boolean(),
        paths,
        paths,
        fc.array(below, { minLength: 4, maxLength: 8 }),
        async ([rules, hooks], granted, asks, from, to, all) => {
          await load([...granted, ...rules], hooks, asks ? ASK_UNMATCHED : 0);
          const denied = [await driver.rulePath(from, "rename"), await driver.rulePath(to, "create")];
          if (denied.some(({ verdict }) => verdict === "deny") || !(await driver.asks("rename", from, to))) return;
          renamed++;
          for (const name of all) {
            for (const action of ACTIONS) {
              const before = await driver.rulePath(`${from}/${name}`, action);
              const after = await driver.rulePath(`${to}/${name}`, action);
              expect([after.verdict, after.hooked]).toEqual([before.verdict, before.hooked]);
            }
          }
        },
      ),
      { numRuns: 2000 },
    );
    expect(renamed).toBeGreaterThan(200);
  });
});

describe("tables_allow_other_name()", () => {
  const mayMove = async (from: string, to: string, action: "rename" | "link"): Promise<boolean> => {
    return (await driver.askRaw(`other ${hex(from)} ${hex(to)} ${CODES.action[action]}`)) === "yes";
  };

  test.each<[string, Rule[], Hook[], boolean, boolean]>([
    ["nothing finer", [allow("write", "/")], [], true, true],
    ["an ask about reading", [allow("write", "/"), ask("/a/x", "read")], [], false, false],
    ["an ask about everything", [allow("write", "/"), ask("/a/x")], [], true, true],
    ["an ask about both", [allow("write", "/"), ask("/a", "read")], [], true, true],
    ["a denial", [allow("write", "/"), deny("/a/x")], [], true, true],
    ["a hook on reading", [allow("write", "/")], [{ actions: ["read"], paths: ["/a/x"] }], false, false],
    ["a hook on renaming", [allow("write", "/")], [{ actions: ["read", "rename"], paths: ["/a/x"] }], true, false],
    ["a hook on linking", [allow("write", "/")], [{ actions: ["write", "link"], paths: ["/a/x"] }], false, true],
    ["a hook on all", [allow("write", "/")], [{ paths: ["/a/x"] }], true, true],
    ["a hook on names", [allow("write", "/")], [{ actions: ["create", "list"], paths: ["/a/x"] }], true, true],
    ["a hook on every path", [allow("write", "/")], [{ actions: ["read"], paths: [] }], true, true],
    ["a hook above both", [allow("write", "/")], [{ actions: ["read"], paths: ["/a"] }], true, true],
    ["a hook on the other", [allow("write", "/")], [{ actions: ["read"], paths: ["/a/y"] }], true, true],
  ])("with %s: renaming is %s, linking %s", async (_name, rules, hooks, renaming, linking) => {
    await load(rules, hooks);
    const answers = [await mayMove("/a/x", "/a/y", "rename"), await mayMove("/a/x", "/a/y", "link")];
    expect(answers).toEqual([renaming, linking]);
  });

  test("lets no file get away from a question about it that is not asked about the renaming itself", async () => {
    const hooks = fc.array(anyHook, { maxLength: 2 });
    let moved = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyRule, { maxLength: 3 }), hooks, paths, paths, async (rules, each, from, to) => {
        await load([allow("write", "/"), ...rules], each);
        for (const action of ["rename", "link"] as const) {
          const asked = await driver.rulePath(from, action);
          if (asked.verdict !== "allow" || asked.hooked || !(await mayMove(from, to, action))) continue;
          moved++;
          for (const content of ["read", "write", "metadata", "delete"] as const) {
            const before = await driver.rulePath(from, content);
            const after = await driver.rulePath(to, content);
            if (before.verdict === "ask") expect(after.verdict).not.toBe("allow");
            if (before.hooked) expect(after.hooked || after.verdict === "deny").toBe(true);
          }
        }
      }),
      { numRuns: 1000 },
    );
    expect(moved).toBeGreaterThan(100);
  });
});

describe("tables_writable_below()", () => {
  test.each<[Rule[], number, string, boolean]>([
    [[allow("write", "/a/b/c")], 0, "/a/b", true],
    [[allow("write", "/a/b")], 0, "/a/b", true],
    [[allow("write", "/a")], 0, "/a/b", true],
    [[allow("write", "/a/**/*.log")], 0, "/a/b", true],
    [[ask("/a/b/c")], 0, "/a", true],
    [[ask("/a/b/c", "read")], 0, "/a", false],
    [[allow("read", "/a/b")], 0, "/a", false],
    [[allow("write", "/a/b/c")], 0, "/a/x", false],
    [[allow("read", "/a")], ASK_UNMATCHED, "/b", true],
  ])("with %j and flags %i, of %s is %s", async (rules, flags, path, expected) => {
    await load(rules, [], flags);
    expect(await driver.asks("below", path)).toBe(expected);
  });
});

describe("tables_writable()", () => {
  test.each<[Rule[], number, string, boolean]>([
    [[allow("write", "/a")], 0, "/a/b", true],
    [[allow("device", "/a")], 0, "/a", true],
    [[ask("/a")], 0, "/a/b", true],
    [[ask("/a", "read")], 0, "/a/b", false],
    [[allow("read", "/a")], 0, "/a/b", false],
    [[allow("write", "/a")], 0, "/b", false],
    [[allow("read", "/a")], ASK_UNMATCHED, "/a", true],
    // Denied as it is: it may be reached by another name.
    [[allow("write", "/a"), deny("/a/b")], 0, "/a/b", true],
  ])("with %j and flags %i, %s is %s", async (rules, flags, path, expected) => {
    await load(rules, [], flags);
    expect(await driver.asks("writable", path)).toBe(expected);
  });
});

describe("the tables refuse", () => {
  const rule = { verdict: 1, access: 1, rule: 1, pattern: Buffer.from("/a") };

  test("policies that are malformed", async () => {
    const policy = {
      generation: 1,
      mode: 1,
      flags: 0,
      timeoutMs: 0,
      untrusted: [],
      volumes: [],
      search: bytes(["/bin"]),
    };
    expect(await driver.takes("policy", policy)).toBe(true);
    for (const mode of [0, 4]) expect(await driver.takes("policy", { ...policy, mode })).toBe(false);
    for (const search of [[""], ["bin"], ["/bin\0"], new Array<string>(65).fill("/bin")]) {
      expect(await driver.takes("policy", { ...policy, search: bytes(search) })).toBe(false);
    }
  });

  test("rules on paths that are malformed", async () => {
    await begin();
    expect(await driver.takes("pathRule", rule)).toBe(true);
    for (const wrong of [{ verdict: 0 }, { verdict: 4 }, { access: 0 }, { access: 4 }]) {
      expect(await driver.takes("pathRule", { ...rule, ...wrong })).toBe(false);
    }
    for (const pattern of ["", "a", "/a\0", "/a?", "/a**", `/${"a".repeat(4096)}`]) {
      expect(await driver.takes("pathRule", { ...rule, pattern: Buffer.from(pattern) })).toBe(false);
    }
    expect(await driver.rulePath("/a", "read")).toMatchObject({ verdict: "allow", rule: 1 });
  });

  test("subscriptions that are malformed", async () => {
    await begin();
    const sound = { domain: 1, actions: 2, paths: bytes(["/a"]), binaries: bytes(["a", "/b"]) };
    expect(await driver.takes("subscription", sound)).toBe(true);
    for (const wrong of [{ domain: 0 }, { domain: 3 }, { actions: 1 << 11 }]) {
      expect(await driver.takes("subscription", { ...sound, ...wrong })).toBe(false);
    }
    for (const pattern of ["", "a/b", "/a\0", "/{"]) {
      expect(await driver.takes("subscription", { ...sound, paths: bytes(["/a", pattern]) })).toBe(false);
      expect(await driver.takes("subscription", { ...sound, binaries: bytes(["/a", pattern]) })).toBe(false);
    }
  });

  test("more than 16384 rules", async () => {
    await begin();
    const all = await Promise.all(Array.from({ length: 16_385 }, () => driver.takes("pathRule", rule)));
    expect(all.indexOf(false)).toBe(16_384);
  });
});
