import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import { LISTS, RECORDS, VALUES } from "../../../src/policy/algebra/draft.ts";
import { compose, normalizePolicy, type Policy, parsePolicy, policyDigest, restrict } from "../../../src/policy/mod.ts";
import { policySchema } from "../../../src/policy/schema.ts";
import { FULL_POLICY, FULL_YAML, failure } from "../helpers.ts";

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
}

const part = (name: string, sections: Omit<Policy, "version" | "name">): Policy => ({ version: 1, name, ...sections });
const digest = (policy: Policy): string => policyDigest(normalizePolicy(policy));

describe("compose()", () => {
  test("unites grants, denials and asks, in the order of the parts, equal ones once", () => {
    const base = part("base", {
      filesystem: { read: ["."], deny: ["**/.env"] },
      process: { allow: ["node"], limits: { memory: "1GiB" } },
    });
    const docs = part("docs", {
      filesystem: { read: ["./", { path: "./extra", optional: true }], write: ["./docs"], ask: ["./CHANGELOG.md"] },
      process: { allow: ["git", "node"], deny: [{ binary: "git", args: ["push", "**"] }] },
      network: { allow: [{ id: "api", host: "api.example.com" }] },
    });
    expect(compose(base, docs)).toEqual({
      version: 1,
      name: "base + docs",
      filesystem: {
        read: [".", { path: "./extra", optional: true }],
        write: ["./docs"],
        deny: ["**/.env"],
        ask: ["./CHANGELOG.md"],
      },
      process: {
        allow: ["node", "git"],
        deny: [{ binary: "git", args: ["push", "**"] }],
        limits: { memory: "1GiB" },
      },
      network: { allow: [{ id: "api", host: "api.example.com" }] },
    });
  });

  test("takes text, and gives what YAML can hold", () => {
    const policy = compose(FULL_YAML, FULL_POLICY, "version: 1\nfilesystem: { read: [./more] }");
    const text = stringify(policy);
    expect(text).not.toMatch(/[&*]a\d/);
    expect(digest(parsePolicy(text))).toBe(digest(policy));
    expect(digest(compose(FULL_YAML))).toBe(digest(FULL_POLICY));
    expect(digest(compose(FULL_YAML, FULL_POLICY))).toBe(digest(FULL_POLICY));
    expect(Object.isFrozen(policy.filesystem?.read)).toBe(true);
  });

  test("knows every key of a policy", () => {
    const schema = z.toJSONSchema(policySchema, { io: "input" }) as Schema;
    const leaves = (node: Schema, path: readonly string[]): string[] => {
      const place = path.join(".");
      if (node.properties === undefined || places.includes(place)) return [place];
      return Object.entries(node.properties).flatMap(([key, child]) => leaves(child, [...path, key]));
    };
    const places: readonly string[] = [...LISTS, ...VALUES, ...RECORDS];
    const others = ["version", "name", "locked", "process.limits.memoryBytes", "process.limits.timeoutMs"];
    expect(leaves(schema, []).sort()).toEqual([...places, ...others].sort());
  });

  test("puts providers together, and their budgets", () => {
    const inference = { providers: { mine: { kind: "vllm", baseUrl: "http://localhost:1/v1" } } } as const;
    const budget = { budget: { callsPerMinute: 5, providers: { mine: { usd: 1 } } }, localOnly: true };
    const policy = compose(part("a", { inference }), part("b", { inference: { ...inference, ...budget } }));
    expect(policy.inference).toEqual({ ...inference, ...budget });
    const other = part("c", { inference: { providers: { mine: { kind: "ollama" } } } });
    expect(failure("POLICY_CONFLICT", () => compose(policy, other)).details.path).toBe("inference.providers.mine");
  });

  test("is nothing without parts", () => {
    expect(compose()).toEqual({ version: 1 });
  });

  test.each<[string, unknown]>([
    ["nothing", null],
    ["a prototype", JSON.parse('{"version":1,"__proto__":{"filesystem":{"write":["/"]}}}')],
    ["what is inherited", Object.create({ version: 1, filesystem: { write: ["."] } })],
    ["a lock that is a prototype", JSON.parse('{"version":1,"locked":["__proto__"]}')],
    ["a lock that is none", { version: 1, locked: ["constructor"] }],
    ["a map of locks", JSON.parse('{"version":1,"locked":{"__proto__":1}}')],
    ["a provider that is a prototype", JSON.parse('{"version":1,"inference":{"providers":{"__proto__":{}}}}')],
    ["a tag", "version: 1\nlocked: !!js/function x"],
    ["a merge key", "version: 1\nfilesystem: { <<: { read: [.] } }"],
    ["aliases that repeat", `a: &a [${"1,".repeat(60)}]\nb: [*a,*a]`],
  ])("takes no part that is %s", (_, hostile) => {
    for (const run of [
      () => compose({ version: 1 }, hostile as Policy),
      () => restrict({ version: 1 }, hostile as Policy),
    ])
      failure("POLICY_INVALID", run);
  });

  test("lets a part that gives no list of programs, and no value, have no say", () => {
    const policy = compose(
      part("a", { process: { allow: [] }, filesystem: { baseline: false, unmatched: "ask" } }),
      part("b", { process: { deny: ["curl"] }, filesystem: { read: ["."] } }),
    );
    expect(policy.process).toEqual({ allow: [], deny: ["curl"] });
    expect(policy.filesystem).toEqual({ baseline: false, read: ["."], unmatched: "ask" });
  });

  test("puts hosts of one secret together", () => {
    const policy = compose(
      part("a", { credentials: [{ name: "T", hosts: ["a.example"] }] }),
      part("b", { credentials: [{ name: "T", hosts: ["b.example", "a.example"] }] }),
    );
    expect(policy.credentials).toEqual([{ name: "T", hosts: ["a.example", "b.example"] }]);
  });

  test("gives private ranges to the rules of their own part", () => {
    const inside = part("inside", { network: { allow: [{ host: "db.corp" }], privateRanges: ["10.0.0.0/8"] } });
    const outside = part("outside", { network: { allow: [{ host: "**" }] } });
    expect(compose(inside, outside).network).toEqual({
      allow: [{ host: "db.corp", addresses: ["10.0.0.0/8"] }, { host: "**" }],
    });
    expect(compose(inside, inside).network).toEqual(inside.network);
    const alone = part("alone", { network: { privateRanges: ["10.0.0.0/8"] } });
    expect(failure("POLICY_CONFLICT", () => compose(alone, outside)).details.path).toBe("network.privateRanges");
  });

  test.each<[string, Policy, Policy, unknown[]]>([
    [
      "process.limits.memory",
      part("a", { process: { limits: { memory: "1GiB" } } }),
      part("b", { process: { limits: { memoryBytes: 1 } } }),
      ["1GiB", 1],
    ],
    ["audit.files", part("a", { audit: { files: "off" } }), part("b", { audit: { files: "all" } }), ["off", "all"]],
    [
      "audit.inference",
      part("a", { audit: { inference: "metadata" } }),
      part("b", { audit: { inference: "content" } }),
      ["metadata", "content"],
    ],
    [
      "filesystem.baseline",
      part("a", { filesystem: { baseline: true } }),
      part("b", { filesystem: { baseline: false } }),
      [true, false],
    ],
    [
      "network.unmatched",
      part("a", { network: { unmatched: "ask" } }),
      part("b", { network: { unmatched: "deny" } }),
      ["ask", "deny"],
    ],
    [
      "inference.budget.usd",
      part("a", { inference: { budget: { usd: 1 } } }),
      part("b", { inference: { budget: { usd: 2 } } }),
      [1, 2],
    ],
    [
      "filesystem.read[0]",
      part("a", { filesystem: { read: [{ id: "x", path: "a" }] } }),
      part("b", { filesystem: { write: [{ id: "x", path: "a" }] } }),
      [
        { id: "x", path: "a" },
        { id: "x", path: "a" },
      ],
    ],
    [
      "process.ask[0]",
      part("a", { process: { ask: ["git"] } }),
      part("b", { process: { ask: [{ binary: "git", defer: "h" }] } }),
      ["git", { binary: "git", defer: "h" }],
    ],
    [
      "inference.routes[0]",
      part("a", { inference: { routes: [{ models: ["m"], provider: "a" }] } }),
      part("b", { inference: { routes: [{ models: ["m"], provider: "b" }] } }),
      [
        { models: ["m"], provider: "a" },
        { models: ["m"], provider: "b" },
      ],
    ],
  ])("refuses two values of %s, and names parts and values", (path, a, b, values) => {
    const error = failure("POLICY_CONFLICT", () => compose(a, b));
    expect(error.details).toEqual({ path, parts: ["a", "b"], values });
    expect(error.message).toMatch(/^Cannot compose "a" and "b": /);
    expect(error.hint).toBeTypeOf("string");
  });

  test("takes two spellings of one value for one", () => {
    const limits = { memoryBytes: 2 ** 30, timeout: "1m" };
    const policy = compose(
      part("a", { process: { limits: { memory: "1GiB", timeoutMs: 60_000 } } }),
      part("b", { process: { limits } }),
    );
    expect(policy.process).toEqual({ limits: { memory: "1GiB", timeoutMs: 60_000 } });
  });

  test("calls parts without a name by their places", () => {
    const error = failure("POLICY_CONFLICT", () => {
      compose("version: 1\naudit: { files: off }", { version: 1, audit: { files: "all" } });
    });
    expect(error.details.parts).toEqual(["part 1", "part 2"]);
  });
});

describe("locked sections", () => {
  const lock = (sections: Omit<Policy, "version" | "name">): Policy => {
    const locked = Object.keys(sections) as NonNullable<Policy["locked"]>;
    return part("lock", { ...sections, locked });
  };

  test.each<[string, Policy, Policy]>([
    ["files", lock({ filesystem: { read: ["./src"] } }), part("b", { filesystem: { read: ["./docs"] } })],
    ["an ask about files", lock({ filesystem: {} }), part("b", { filesystem: { unmatched: "ask" } })],
    ["programs", lock({ process: { allow: ["git"] } }), part("b", { process: { allow: ["curl"] } })],
    [
      "hosts",
      lock({ network: { allow: [{ host: "a.example" }] } }),
      part("b", { network: { allow: [{ host: "b.example" }] } }),
    ],
    [
      "a section that is missing",
      part("lock", { locked: ["network"] }),
      part("b", { network: { allow: [{ host: "b.example" }] } }),
    ],
    ["models", lock({ inference: {} }), part("b", { inference: { routes: [{ models: ["**"], provider: "p" }] } })],
    ["secrets", lock({ credentials: [] }), part("b", { credentials: [{ name: "T", hosts: ["b.example"] }] })],
    ["what is recorded", lock({ audit: {} }), part("b", { audit: { files: "off" } })],
  ])("are not widened: %s", (_, a, b) => {
    for (const parts of [
      [a, b],
      [b, a],
    ]) {
      const error = failure("POLICY_LOCKED", () => compose(...parts));
      expect(error.details).toMatchObject({ part: "lock", by: ["b"], section: a.locked?.[0] });
      expect(error.message).toContain('"b" would widen');
    }
  });

  test("may be narrowed, and said again", () => {
    const a = lock({
      filesystem: { write: ["."] },
      process: { allow: ["git", "node"] },
      network: { allow: [{ host: "*.example", http: { access: "read-write" } }] },
    });
    const b = part("b", {
      filesystem: { read: ["./src"], deny: ["**/.env"], ask: ["./x"] },
      process: { allow: ["git"], deny: [{ binary: "git", args: ["push", "**"] }], limits: { pids: 9 } },
      network: { allow: [{ host: "a.example", http: { access: "read-only" } }], deny: [{ host: "b.example" }] },
      credentials: [{ name: "T", hosts: ["a.example"] }],
    });
    const policy = compose(b, a);
    expect(policy.locked).toEqual(["filesystem", "process", "network"]);
    // Whoever composes further is held to it, too.
    const c = part("c", { filesystem: { read: ["/etc"] } });
    expect(failure("POLICY_LOCKED", () => compose(policy, c)).details).toMatchObject({ part: "b + lock", by: ["c"] });
  });

  test("change nothing else", () => {
    expect(digest({ version: 1, locked: [] })).toBe(digest({ version: 1 }));
    expect(normalizePolicy({ version: 1, locked: ["process", "audit", "process"] }).locked).toEqual([
      "audit",
      "process",
    ]);
    expect(() => parsePolicy("version: 1\nlocked: [files]")).toThrow(/locked\[0\]/);
  });
});
