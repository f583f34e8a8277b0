/**
 * Small policies over a small world, so that rules meet; and what may be asked of them.
 */
import fc from "fast-check";
import type { Policy } from "../../../src/mod.ts";
import type { Attempt, Request, Start } from "./oracle.ts";

/** Without the keys that have no value. */
export function given<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;
}

/** Mostly absent. */
const rarely = <T>(...values: readonly T[]): fc.Arbitrary<T | undefined> => {
  return fc.oneof(
    { arbitrary: fc.constant(undefined), weight: 2 },
    { arbitrary: fc.constantFrom(...values), weight: 1 },
  );
};

const defer = fc.oneof({ arbitrary: fc.constant(undefined), weight: 5 }, fc.constantFrom("h", "i"));
const unmatched = fc.oneof({ arbitrary: fc.constantFrom("deny" as const), weight: 3 }, fc.constantFrom("ask" as const));

const segment = fc.constantFrom("a", "b", "*", "**", "a*", "*b");
const path = fc
  .tuple(fc.constantFrom("./", "/workspace/", "/opt/"), fc.array(segment, { maxLength: 3 }))
  .map(([start, segments]) => start + segments.join("/"));
const grant = fc
  .record({ path, defer, optional: rarely(true) })
  .map((rule) => (rule.defer === undefined && rule.optional === undefined ? rule.path : given(rule)));
const grants = fc.array(grant, { maxLength: 3 });

const filesystem = fc
  .record({
    baseline: fc.constant(false),
    read: grants,
    write: grants,
    deny: fc.array(path, { maxLength: 2 }),
    ask: grants,
    unmatched,
  })
  .map(given);

const binary = fc.constantFrom("ls", "wget", "w*", "*", "/bin/ls", "/bin/*", "/bin/busybox", "/**");
const args = rarely<readonly string[]>([], ["x"], ["**"], ["x", "**"], ["*", "y"]);
const programRule = fc.record({ binary, args, sha256: rarely("ab".repeat(32)), defer }).map(given);
const programs = fc.array(programRule, { maxLength: 3 });
const process = fc
  .record({
    allow: fc.option(programs, { nil: undefined }),
    deny: fc.array(fc.record({ binary, args }).map(given), { maxLength: 2 }),
    ask: fc.array(programRule, { maxLength: 2 }),
    unmatched,
  })
  .map(given);

const requestRule = fc
  .record({
    methods: rarely(["GET"], ["HEAD"], ["POST"], ["GET", "POST"]),
    paths: rarely(["/a"], ["/a/**"], ["/*"], ["**"], ["/a*", "/*/b"], ["/*b"]),
    query: rarely<Record<string, string>>({ q: "*" }, { q: "a*" }, { r: "a" }),
    websocket: rarely(true as const),
  })
  .map(given);
const httpRules = fc.array(requestRule, { minLength: 1, maxLength: 2 }).map((rules) => ({ rules }));
const http = fc.oneof(
  { arbitrary: fc.constant(undefined), weight: 2 },
  fc.constantFrom("read-only", "read-write", "full").map((access) => ({ access })),
  httpRules,
);
const where = {
  host: fc.constantFrom("a.x", "b.x", "*.x", "**", "a*.x", "10.0.0.5", "10.0.0.0/8", "0.0.0.0/0"),
  ports: rarely<readonly number[] | "all">([443], [80, 443], "all"),
  binaries: rarely<readonly string[]>(["curl"], ["/usr/bin/*"], ["c*", "git"]),
};
const networkRule = fc
  .record({
    ...where,
    http,
    tls: rarely("terminate", "passthrough"),
    addresses: rarely(["10.0.0.0/8"], ["10.0.0.5"]),
    enforcement: rarely("audit"),
    defer,
  })
  .map(({ tls, enforcement, ...rule }) => {
    const passes = tls === "passthrough" && rule.http !== undefined;
    return given({ ...rule, tls: passes ? undefined : tls, enforcement: rule.http && enforcement });
  });
const networkRules = fc.array(networkRule, { maxLength: 3 });
const network = fc
  .record({
    allow: networkRules,
    deny: fc.array(fc.record({ ...where, http: fc.option(httpRules, { nil: undefined }) }).map(given), {
      maxLength: 2,
    }),
    ask: fc.array(networkRule, { maxLength: 2 }),
    unmatched,
    privateRanges: rarely(["10.0.0.0/8"]),
  })
  .map(given);

/** A policy of one section. */
export const policies = {
  filesystem: filesystem.map((section) => ({ version: 1, filesystem: section }) as Policy),
  process: process.map((section) => ({ version: 1, process: section }) as Policy),
  network: network.map((section) => ({ version: 1, network: section }) as Policy),
};

/** A policy, and another that has some of its rules. */
export function related(policy: fc.Arbitrary<Policy>): fc.Arbitrary<readonly [Policy, Policy]> {
  const near = fc
    .tuple(policy, policy, fc.array(fc.nat(9), { minLength: 12, maxLength: 12 }))
    .map(([one, other, picks]) => {
      let at = 0;
      const [section = "network"] = Object.keys(one).filter((key) => key !== "version") as (keyof Policy)[];
      const [mine, others] = [one[section], other[section]] as unknown as Record<string, unknown>[];
      const mixed = Object.entries({ ...others, ...mine }).map(([key, value]) => {
        const pick = picks[at++ % picks.length] ?? 0;
        if (!Array.isArray(value)) return [key, pick < 8 ? mine?.[key] : others?.[key]];
        const kept = (value as unknown[]).filter((_, index) => (picks[(at + index) % picks.length] ?? 0) < 8);
        const added = pick > 7 ? ((others?.[key] as unknown[] | undefined) ?? []).slice(0, 1) : [];
        return [key, [...kept, ...added]];
      });
      return [one, { version: 1, [section]: given(Object.fromEntries(mixed)) } as unknown as Policy] as const;
    });
  return fc.oneof({ arbitrary: near, weight: 3 }, fc.tuple(policy, policy));
}

const name = fc.constantFrom("a", "b", "ab", "c");
export const files = fc.record({
  path: fc
    .tuple(fc.constantFrom("/workspace", "/opt", ""), fc.array(name, { maxLength: 3 }))
    .map(([start, names]) => [start, ...names].join("/") || "/"),
  writes: fc.boolean(),
});

const programPath = fc.constantFrom("/bin/ls", "/bin/wget", "/bin/busybox", "/opt/x");
export const starts: fc.Arbitrary<Start> = fc.record({
  path: programPath,
  requested: programPath,
  argv: fc
    .tuple(fc.constantFrom("ls", "wget", "busybox"), fc.constantFrom("x", "y"), fc.constantFrom("y"))
    .chain((all) => {
      return fc.constantFrom(all.slice(0, 1), all.slice(0, 2), all);
    }),
  sha256: fc.constantFrom("ab".repeat(32), "cd".repeat(32)),
});

export const attempts: fc.Arbitrary<Attempt> = fc.record({
  host: fc.constantFrom("a.x", "b.x", "ab.x", "c.y", "10.0.0.5", "10.0.0.6", "192.0.2.1"),
  port: fc.constantFrom(443, 443, 80, 22),
  binary: fc.constantFrom("/usr/bin/curl", "/usr/bin/git", "/opt/curl"),
});

export const requests: fc.Arbitrary<Request> = fc.record({
  method: fc.constantFrom("GET", "HEAD", "POST", "DELETE"),
  path: fc.constantFrom("/", "/a", "/a/b", "/ab", "/b", "/a/"),
  query: fc.constantFrom<Readonly<Record<string, string>>>({}, { q: "a" }, { q: "b" }, { q: "ab", r: "a" }),
  websocket: fc.boolean(),
});
