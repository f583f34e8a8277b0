/**
 * The warden's rules on programs, and what hooks see of starts. They are held to `evaluateProgram()`, which says the same
 * in TypeScript.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CODES, FLAGS } from "../../src/link/protocol.ts";
import { evaluateProgram, type ProgramRule, type ProgramStart } from "../../src/policy/mod.ts";
import { Driver, globs } from "./tables-support.ts";

let driver: Driver;

beforeAll(() => {
  driver = new Driver();
}, 60_000);

afterAll(() => driver.close());

type Rule = Omit<ProgramRule, "ruleId">;

const SEARCH = ["/usr/bin", "/bin", "/"];
const HASHES = ["ab".repeat(32), "cd".repeat(32)];
const { allowList, unmatchedProgramAsk } = FLAGS.policy;
const bytes = (texts: readonly string[] = []): Buffer[] => texts.map((text) => Buffer.from(text));

function add({ verdict, pattern, name, args, sha256 }: Rule, rule: number): Promise<boolean> {
  const { anyArguments, name: named } = FLAGS.programRule;
  return driver.takes("programRule", {
    verdict: CODES.verdict[verdict],
    flags: (args === undefined ? anyArguments : 0) | (name ? named : 0),
    rule,
    pattern: Buffer.from(pattern),
    sha256: Buffer.from(sha256 ?? "", "hex"),
    arguments: bytes(args),
  });
}

function hook(binaries: readonly string[], domain: number = CODES.domain.process): Promise<boolean> {
  return driver.takes("subscription", { domain, actions: 0, paths: [], binaries: bytes(binaries) });
}

async function load(rules: readonly Rule[], flags = 0): Promise<void> {
  const policy = { generation: 1, mode: 1, flags, timeoutMs: 1, untrusted: [], volumes: [], search: bytes(SEARCH) };
  expect(await driver.takes("policy", policy)).toBe(true);
  for (const [index, rule] of rules.entries()) expect(await add(rule, index + 1)).toBe(true);
}

const start = (path: string, rest: Partial<ProgramStart> = {}): ProgramStart => {
  return { path, requested: path, argv: [path], ...rest };
};

const program = fc
  .tuple(fc.constantFrom("/usr/bin", "/bin", "", "/opt"), fc.constantFrom("a", "b", "ab", "busybox"))
  .map(([directory, name]) => `${directory}/${name}`);
const argument = fc.constantFrom("", "a", "b", "ab", "a/b", "--a", "**");
const anyRule: fc.Arbitrary<Rule> = fc
  .tuple(
    fc.constantFrom("allow", "ask", "deny"),
    fc.oneof(
      fc.constantFrom("a", "b", "a*", "*", "**", "busybox").map((pattern) => ({ pattern, name: true })),
      fc.oneof(program, fc.constantFrom("/**", "/bin/*", "/**/a")).map((pattern) => ({ pattern, name: false })),
    ),
    fc.option(fc.array(fc.oneof(globs, fc.constantFrom("**", "a", "*")), { maxLength: 4 }), { nil: undefined }),
    fc.option(fc.constantFrom(...HASHES), { nil: undefined, freq: 3 }),
  )
  .map(([verdict, pattern, args, sha256]) => ({
    verdict,
    ...pattern,
    ...(args === undefined ? {} : { args }),
    ...(sha256 === undefined ? {} : { sha256 }),
  }));
const anyStart: fc.Arbitrary<ProgramStart> = fc
  .tuple(
    program,
    fc.option(program, { nil: undefined }),
    fc.oneof(fc.constantFrom("a", "-a", "/x/a", "/x/-a", "-", ""), program),
    fc.array(argument, { maxLength: 5 }),
    fc.option(fc.constantFrom(...HASHES), { nil: undefined, freq: 3 }),
  )
  .map(([path, requested = path, called, args, sha256]) => ({
    path,
    requested,
    argv: [called, ...args],
    ...(sha256 === undefined ? {} : { sha256 }),
  }));

describe("tables_program()", () => {
  test("agrees with evaluateProgram()", async () => {
    const options = fc.record({ allowList: fc.boolean(), asks: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRule, { maxLength: 6 }),
        options,
        fc.array(anyStart, { minLength: 4, maxLength: 12 }),
        async (rules, { allowList: list, asks }, starts) => {
          await load(rules, (list ? allowList : 0) | (asks ? unmatchedProgramAsk : 0));
          const table = {
            rules: rules.map((rule, index) => ({ ...rule, ruleId: String(index + 1) })),
            allowList: list,
            unmatched: asks ? ("ask" as const) : ("deny" as const),
          };
          for (const each of starts) {
            const { verdict, ruleId } = evaluateProgram(table, each, SEARCH);
            const reason = ruleId === undefined ? "unmatched" : "rule";
            const ruling = { verdict, reason, rule: Number(ruleId ?? 0), hooked: false };
            expect(await driver.ruleProgram(each)).toEqual(ruling);
          }
        },
      ),
      { numRuns: 1500 },
    );
  });

  test("lets what nothing matches start unless there is a list", async () => {
    const verdict = async (flags: number) => {
      await load([], flags);
      return (await driver.ruleProgram(start("/bin/a"))).verdict;
    };
    expect(await verdict(0)).toBe("allow");
    expect(await verdict(unmatchedProgramAsk)).toBe("allow");
    expect(await verdict(allowList)).toBe("deny");
    expect(await verdict(allowList | unmatchedProgramAsk)).toBe("ask");
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
    [[""], [""], true],
  ])("arguments %j on %j is %s", async (args, given, matches) => {
    await load([{ verdict: "deny", pattern: "git", name: true, args }]);
    const git = start("/usr/bin/git", { argv: ["git", ...given] });
    expect((await driver.ruleProgram(git)).verdict).toBe(matches ? "deny" : "allow");
  });

  test("ends on arguments that make backtrackers explode", { timeout: 60_000 }, async () => {
    const args = [...Array.from({ length: 127 }, () => ["**", "a"]).flat(), "b"];
    await load([{ verdict: "deny", pattern: "/**", name: false, args }]);
    const many = start("/bin/a", { argv: new Array<string>(1000).fill("a") });
    expect((await driver.ruleProgram(many)).verdict).toBe("allow");
  });

  test("takes a hash that is not known for no reason to allow, and for one to deny or ask", async () => {
    for (const [verdict, expected] of [
      ["allow", "deny"],
      ["ask", "ask"],
      ["deny", "deny"],
    ] as const) {
      await load([{ verdict, pattern: "a", name: true, sha256: HASHES[0] ?? "" }], allowList);
      expect(await driver.ruleProgram(start("/bin/a"))).toMatchObject({ verdict: expected });
      expect((await driver.ruleProgram(start("/bin/a", { sha256: HASHES[0] ?? "" }))).verdict).toBe(verdict);
      expect((await driver.ruleProgram(start("/bin/a", { sha256: HASHES[1] ?? "" }))).reason).toBe("unmatched");
    }
  });

  test("takes a start without any name for itself", async () => {
    await load([{ verdict: "allow", pattern: "a", name: true }], allowList);
    expect((await driver.ruleProgram(start("/bin/busybox", { requested: "/bin/a", argv: [] }))).verdict).toBe("deny");
    expect((await driver.ruleProgram(start("/bin/a", { argv: [] }))).verdict).toBe("allow");
  });
});

describe("tables_need_hash()", () => {
  test("says so only where a rule names one", async () => {
    await load([{ verdict: "allow", pattern: "a", name: true }], allowList);
    expect(await driver.asks("hash", "/bin/a")).toBe(false);
    expect(await add({ verdict: "allow", pattern: "b", name: true, sha256: HASHES[0] ?? "" }, 2)).toBe(true);
    // What it was asked for as is not known here, and may be the name of the rule.
    expect(await driver.asks("hash", "/bin/a")).toBe(true);
  });
});

describe("hooks", () => {
  const hooked = async (each: ProgramStart): Promise<boolean> => (await driver.ruleProgram(each)).hooked;

  test("see the programs that they name, as whatever these are started", async () => {
    await load([]);
    expect(await hook(["/usr/bin/*", "node", "/**/git"])).toBe(true);
    expect(await hooked(start("/usr/bin/x"))).toBe(true);
    expect(await hooked(start("/opt/node"))).toBe(true);
    expect(await hooked(start("/opt/git"))).toBe(true);
    expect(await hooked(start("/opt/x"))).toBe(false);
    expect(await hooked(start("/opt/x", { requested: "/opt/node" }))).toBe(true);
    for (const called of ["git", "-git", "/x/git"]) {
      expect(await hooked(start("/opt/busybox", { argv: [called] }))).toBe(true);
    }
    expect(await hooked(start("/opt/busybox", { argv: ["gitx"] }))).toBe(false);
    expect(await hooked(start("/opt/busybox", { argv: ["x".repeat(5000)] }))).toBe(true);
  });

  test("see every start where they name nothing, and no other domain's", async () => {
    await load([]);
    expect(await hook([], CODES.domain.filesystem)).toBe(true);
    expect(await hooked(start("/bin/a"))).toBe(false);
    expect(await hook([])).toBe(true);
    expect(await hooked(start("/bin/a"))).toBe(true);
  });

  test("see no start that a rule denies", async () => {
    await load([{ verdict: "deny", pattern: "/**", name: false }]);
    expect(await hook([])).toBe(true);
    expect(await hooked(start("/bin/a"))).toBe(false);
  });
});

describe("the tables refuse", () => {
  test("rules on programs that are malformed", async () => {
    await load([]);
    const sound = { verdict: 1, flags: 0, rule: 1, pattern: Buffer.from("/a"), sha256: Buffer.alloc(0), arguments: [] };
    expect(await driver.takes("programRule", sound)).toBe(true);
    expect(await driver.takes("programRule", { ...sound, arguments: bytes(new Array(256).fill("a")) })).toBe(true);
    const named = { flags: FLAGS.programRule.name };
    for (const wrong of [
      { verdict: 0 },
      { verdict: 4 },
      { flags: 4 },
      { sha256: Buffer.alloc(31) },
      { sha256: Buffer.alloc(33) },
      { arguments: bytes(new Array(257).fill("a")) },
      { arguments: bytes(["a\0"]) },
      { arguments: bytes(["a**"]) },
      { pattern: Buffer.from("") },
      { pattern: Buffer.from("a") },
      { pattern: Buffer.from("/a\0") },
      { pattern: Buffer.from("/a["), ...named },
      { pattern: Buffer.from("/a"), ...named },
      { pattern: Buffer.from("a/b"), ...named },
    ]) {
      expect(await driver.takes("programRule", { ...sound, ...wrong })).toBe(false);
    }
  });

  test("more than 16384 rules", async () => {
    await load([]);
    const rule = { verdict: "deny", pattern: "a", name: true } as const;
    const all = await Promise.all(Array.from({ length: 16_385 }, (_, index) => add(rule, index + 1)));
    expect(all.indexOf(false)).toBe(16_384);
  });
});
