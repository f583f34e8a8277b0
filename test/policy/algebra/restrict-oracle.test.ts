/**
 * Whatever is restricted: nothing is allowed that either side denies, nothing goes unasked that either asks about, and nobody
 * else is asked.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { restrict } from "../../../src/policy/mod.ts";
import { attempts, files, policies, related, requests, starts } from "./arbitrary.ts";
import * as oracle from "./oracle.ts";

const RUNS = { numRuns: 600 };

/** How often something was allowed or asked that both allow or ask: restricting everything away would be no art. */
class Kept {
  #kept = 0;
  #all = 0;

  count(is: oracle.Said, sides: readonly oracle.Said[]): void {
    if (sides.some(({ verdict }) => verdict === "deny")) return;
    this.#all++;
    if (is.verdict !== "deny") this.#kept++;
  }

  get share(): number {
    return this.#kept / this.#all;
  }
}

function expectNarrow(is: oracle.Said, sides: readonly oracle.Said[]): void {
  const most = oracle.min(...sides.map(({ verdict }) => verdict));
  if (oracle.RANK[is.verdict] > oracle.RANK[most]) expect.fail(`${is.verdict}, where the two say ${most}`);
  if (is.verdict !== "ask") return;
  const others = sides.filter(({ verdict, defer }) => verdict === "ask" && defer !== is.defer);
  if (others.length > 0) expect.fail(`${is.defer} is asked, where ${others[0]?.defer} should be`);
}

const plain = (verdict: oracle.Said["verdict"]): oracle.Said => ({ verdict, explicit: false });

describe("restrict() by the oracle", () => {
  test("holds for files", { timeout: 240_000 }, () => {
    const kept = new Kept();
    fc.assert(
      fc.property(related(policies.filesystem), fc.array(files, { minLength: 20, maxLength: 30 }), (sides, probes) => {
        const both = restrict(...sides);
        for (const { path, writes } of probes) {
          const said = sides.map((policy) => oracle.file(policy, path, writes));
          const is = oracle.file(both, path, writes);
          expectNarrow(is, said);
          kept.count(is, said);
        }
      }),
      RUNS,
    );
    expect(kept.share).toBeGreaterThan(0.6);
  });

  test("holds for programs", { timeout: 240_000 }, () => {
    const kept = new Kept();
    fc.assert(
      fc.property(related(policies.process), fc.array(starts, { minLength: 20, maxLength: 30 }), (sides, probes) => {
        const both = restrict(...sides);
        for (const start of probes) {
          const said = sides.map((policy) => oracle.program(policy, start));
          const is = oracle.program(both, start);
          expectNarrow(is, said);
          kept.count(is, said);
        }
      }),
      RUNS,
    );
    expect(kept.share).toBeGreaterThan(0.5);
  });

  test("holds for connections, bytes, private addresses and requests", { timeout: 240_000 }, () => {
    const kept = new Kept();
    const probe = fc.tuple(attempts, requests);
    fc.assert(
      fc.property(related(policies.network), fc.array(probe, { minLength: 20, maxLength: 30 }), (sides, probes) => {
        const both = restrict(...sides);
        for (const [attempt, request] of probes) {
          const said = sides.map((policy) => oracle.connection(policy, attempt));
          const is = oracle.connection(both, attempt);
          expectNarrow(
            is.connect,
            said.map(({ connect }) => connect),
          );
          expectNarrow(
            plain(is.bytes),
            said.map(({ bytes }) => plain(bytes)),
          );
          if (is.dials && !said.every(({ dials }) => dials)) expect.fail("it dials what one of the two does not");
          const verdicts = sides.map((policy) => plain(oracle.request(policy, attempt, request)));
          const verdict = plain(oracle.request(both, attempt, request));
          expectNarrow(verdict, verdicts);
          kept.count(verdict, verdicts);
        }
      }),
      RUNS,
    );
    expect(kept.share).toBeGreaterThan(0.35);
  });
});
