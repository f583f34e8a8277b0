import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { comparePolicies, diffPolicies, normalizePolicy, type Policy } from "../../../src/policy/mod.ts";
import { FULL_POLICY, FULL_YAML } from "../helpers.ts";
import { attempts, files, policies, related, requests, starts } from "./arbitrary.ts";
import * as oracle from "./oracle.ts";

type Sections = Omit<Policy, "version">;

const diff = (a: Sections, b: Sections) => diffPolicies({ version: 1, ...a }, { version: 1, ...b });
const said = (a: Sections, b: Sections): string[] => {
  return diff(a, b).changes.map(({ kind, path, effect, live }) => `${kind} ${path}: ${effect}${live ? ", live" : ""}`);
};

describe("diffPolicies()", () => {
  test("sees no difference in another spelling", () => {
    expect(diffPolicies(FULL_YAML, FULL_POLICY)).toEqual({ effect: "neutral", live: true, changes: [] });
    expect(said({ filesystem: { read: ["a", "b"] } }, { filesystem: { read: ["./b/", "./a"] } })).toEqual([]);
  });

  test("lists what is new, gone and changed, with both values", () => {
    const a: Sections = { filesystem: { read: ["."] }, process: { limits: { memory: "1GiB" } } };
    const b: Sections = { filesystem: { read: ["./src"] }, process: { limits: { memory: "2GiB" } } };
    expect(diff(a, b)).toEqual({
      effect: "widening",
      live: false,
      changes: [
        {
          section: "filesystem",
          kind: "removed",
          path: "filesystem.read[0]",
          ruleId: "filesystem.read:.",
          before: ".",
          effect: "narrowing",
          live: true,
          because: "something that could happen is denied, or asked about",
        },
        {
          section: "filesystem",
          kind: "added",
          path: "filesystem.read[0]",
          ruleId: "filesystem.read:./src",
          after: "./src",
          effect: "neutral",
          live: true,
          because: "what may happen stays the same",
        },
        {
          section: "process",
          kind: "changed",
          path: "process.limits.memoryBytes",
          before: 2 ** 30,
          after: 2 ** 31,
          effect: "widening",
          live: false,
          because: "process.limits.memoryBytes is higher, or gone",
        },
      ],
    });
  });

  test.each<[Sections, Sections, string[]]>([
    [{}, { filesystem: { write: ["a"] } }, ["added filesystem.write[0]: widening"]],
    [{}, { filesystem: { deny: ["~/a"] } }, ["added filesystem.deny[0]: narrowing, live"]],
    [{}, { filesystem: { baseline: false } }, ["changed filesystem.baseline: narrowing, live"]],
    [{}, { filesystem: { unmatched: "ask" } }, ["changed filesystem.unmatched: widening"]],
    [
      { filesystem: { read: ["a"] } },
      { filesystem: { read: [{ id: "x", path: "a" }] } },
      ["changed filesystem.read[0]: neutral, live"],
    ],
    [
      { process: { allow: ["git"] } },
      {},
      ["removed process.allow: widening", "removed process.allow[0]: neutral, live"],
    ],
    [
      {},
      { process: { allow: ["git"] } },
      ["added process.allow: narrowing, live", "added process.allow[0]: neutral, live"],
    ],
    [
      { process: { allow: ["git"], deny: ["curl"] } },
      {},
      [
        "removed process.allow: widening",
        "removed process.allow[0]: neutral, live",
        "removed process.deny[0]: widening",
      ],
    ],
    [
      { process: { limits: { pids: 9 } } },
      { process: { limits: { pids: 8 } } },
      ["changed process.limits.pids: narrowing"],
    ],
    [
      { process: { ask: ["git"] } },
      { process: { ask: [{ binary: "git", defer: "h" }] } },
      ["removed process.ask[0]: widening", "added process.ask[0]: widening"],
    ],
    [{}, { network: { allow: [{ host: "a.b" }] } }, ["added network.allow[0]: widening, live"]],
    [{}, { network: { allow: [{ host: "a.b", tls: "terminate" }] } }, ["added network.allow[0]: widening"]],
    [
      { network: { allow: [{ host: "a.b", http: { access: "read-write" } }] } },
      { network: { allow: [{ host: "a.b", http: { access: "read-only" } }] } },
      ["removed network.allow[0]: narrowing, live", "added network.allow[0]: neutral, live"],
    ],
    [
      { network: { allow: [{ host: "*.b" }, { host: "a.b", http: { access: "full" } }] } },
      { network: { allow: [{ host: "*.b" }] } },
      ["removed network.allow[1]: widening, live"],
    ],
    [
      { network: { allow: [{ host: "a.b" }], privateRanges: ["10.0.0.0/8"] } },
      { network: { allow: [{ host: "a.b" }], privateRanges: ["10.0.0.0/16", "fd00::/8"] } },
      [
        "removed network.privateRanges[0]: narrowing, live",
        "added network.privateRanges[0]: widening, live",
        "added network.privateRanges[1]: widening, live",
      ],
    ],
    [
      { network: { allow: [{ host: "a.b" }], deny: [{ host: "10.0.0.0/8" }] } },
      { network: { allow: [{ host: "a.b" }] } },
      ["removed network.deny[0]: widening, live"],
    ],
    [
      { inference: { routes: [{ models: ["a"], provider: "p" }], budget: { usd: 1 } } },
      { inference: { routes: [{ models: ["a"], provider: "q" }], budget: { usd: 2 } } },
      [
        "removed inference.routes[0]: widening, live",
        "added inference.routes[0]: widening, live",
        "changed inference.budget.usd: widening, live",
      ],
    ],
    [
      { credentials: [{ name: "T", hosts: ["a.b", "c.d"] }] },
      { credentials: [{ name: "T", hosts: ["a.b"] }] },
      ["removed credentials[0]: narrowing, live", "added credentials[0]: neutral, live"],
    ],
    [{ audit: { files: "all" } }, { audit: { files: "off" } }, ["changed audit.files: widening, live"]],
    [{ audit: { inference: "content" } }, {}, ["removed audit.inference: widening, live"]],
    [{ name: "a" }, { name: "b", locked: ["audit"] }, ["changed name: neutral, live", "added locked: neutral, live"]],
  ])("%j, %j", (a, b, expected) => {
    expect(said(a, b)).toEqual(expected);
  });
});

const RUNS = { numRuns: 600 };

/** What is not called widening lets nothing new happen. */
function expectNoMore(before: oracle.Said, after: oracle.Said): void {
  const { RANK } = oracle;
  if (RANK[after.verdict] > RANK[before.verdict]) expect.fail(`${after.verdict}, and was ${before.verdict}`);
  if (after.verdict !== "ask" || before.verdict !== "ask") return;
  if (after.defer !== before.defer) expect.fail(`${after.defer} is asked, and was ${before.defer}`);
}

describe("diffPolicies() by the oracle", () => {
  test("is right about files, and about what setPolicy() does", { timeout: 240_000 }, () => {
    let found = 0;
    fc.assert(
      fc.property(related(policies.filesystem), fc.array(files, { minLength: 20, maxLength: 30 }), ([a, b], probes) => {
        const { effect, live } = diffPolicies(a, b);
        expect(live).toBe(comparePolicies(normalizePolicy(a), normalizePolicy(b)).filesystem.kind !== "wider");
        if (effect === "widening") return;
        found++;
        for (const { path, writes } of probes) {
          expectNoMore(oracle.file(a, path, writes), oracle.file(b, path, writes));
        }
      }),
      RUNS,
    );
    expect(found).toBeGreaterThan(RUNS.numRuns / 10);
  });

  test("is right about programs", { timeout: 240_000 }, () => {
    let found = 0;
    fc.assert(
      fc.property(related(policies.process), fc.array(starts, { minLength: 20, maxLength: 30 }), ([a, b], probes) => {
        const { effect, live } = diffPolicies(a, b);
        expect(live).toBe(comparePolicies(normalizePolicy(a), normalizePolicy(b)).process.kind !== "wider");
        if (effect === "widening") return;
        found++;
        for (const start of probes) expectNoMore(oracle.program(a, start), oracle.program(b, start));
      }),
      RUNS,
    );
    expect(found).toBeGreaterThan(RUNS.numRuns / 10);
  });

  test("is right about the network", { timeout: 240_000 }, () => {
    let found = 0;
    const probe = fc.tuple(attempts, requests);
    fc.assert(
      fc.property(related(policies.network), fc.array(probe, { minLength: 20, maxLength: 30 }), ([a, b], probes) => {
        if (diffPolicies(a, b).effect === "widening") return;
        found++;
        for (const [attempt, request] of probes) {
          const [before, after] = [oracle.connection(a, attempt), oracle.connection(b, attempt)];
          expectNoMore(before.connect, after.connect);
          const explicit = false;
          expectNoMore({ verdict: before.bytes, explicit }, { verdict: after.bytes, explicit });
          if (after.dials && !before.dials) expect.fail("it dials what it did not");
          const [was, is] = [a, b].map((policy) => oracle.request(policy, attempt, request));
          expectNoMore({ verdict: was ?? "deny", explicit }, { verdict: is ?? "deny", explicit });
        }
      }),
      RUNS,
    );
    expect(found).toBeGreaterThan(RUNS.numRuns / 10);
  });
});
