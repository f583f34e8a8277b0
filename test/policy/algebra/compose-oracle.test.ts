/**
 * Whatever is composed: denied where any part denies, and allowed only where some part allows.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SandboxError } from "../../../src/errors.ts";
import { compose, type Policy } from "../../../src/policy/mod.ts";
import { attempts, files, policies, requests, starts } from "./arbitrary.ts";
import * as oracle from "./oracle.ts";

const NUM_RUNS = 500;

/** Undefined: they contradict each other. */
function composed(parts: readonly Policy[]): Policy | undefined {
  try {
    return compose(...parts);
  } catch (error) {
    if (SandboxError.is(error, "POLICY_CONFLICT")) return undefined;
    throw error;
  }
}

/** Holds one question to all parts. */
function expectBetween(whole: oracle.Said, parts: readonly oracle.Said[]): void {
  const explicit = parts.filter((part) => part.explicit).map(({ verdict }) => verdict);
  if (explicit.includes("deny") && whole.verdict !== "deny") expect.fail(`${whole.verdict}, where a part denies`);
  if (explicit.includes("ask") && whole.verdict === "allow") expect.fail("allow, where a part asks");
  expectAtMost(
    whole.verdict,
    parts.map(({ verdict }) => verdict),
  );
}

function expectAtMost(verdict: keyof typeof oracle.RANK, parts: readonly (keyof typeof oracle.RANK)[]): void {
  // expect() is slow where it is called a hundred thousand times.
  if (oracle.RANK[verdict] > oracle.RANK[oracle.max(...parts)]) expect.fail(`${verdict}, where parts say ${parts}`);
}

describe("compose() by the oracle", () => {
  const cases = (policy: fc.Arbitrary<Policy>) => fc.array(policy, { minLength: 1, maxLength: 3 });

  test("holds for files", { timeout: 240_000 }, () => {
    fc.assert(
      fc.property(cases(policies.filesystem), fc.array(files, { minLength: 10, maxLength: 20 }), (parts, probes) => {
        const whole = composed(parts);
        if (whole === undefined) return;
        for (const { path, writes } of probes) {
          const said = parts.map((part) => oracle.file(part, path, writes));
          expectBetween(oracle.file(whole, path, writes), said);
        }
      }),
      { numRuns: NUM_RUNS },
    );
  });

  test("holds for programs", { timeout: 240_000 }, () => {
    fc.assert(
      fc.property(cases(policies.process), fc.array(starts, { minLength: 10, maxLength: 20 }), (parts, probes) => {
        const whole = composed(parts);
        if (whole === undefined) return;
        for (const start of probes) {
          const said = parts.map((part) => oracle.program(part, start));
          expectBetween(oracle.program(whole, start), said);
        }
      }),
      { numRuns: NUM_RUNS },
    );
  });

  test("holds for connections, bytes, private addresses and requests", { timeout: 240_000 }, () => {
    const probe = fc.tuple(attempts, requests);
    let found = 0;
    fc.assert(
      fc.property(cases(policies.network), fc.array(probe, { minLength: 10, maxLength: 20 }), (parts, probes) => {
        const whole = composed(parts);
        if (whole === undefined) return;
        if (parts.length > 1) found++;
        for (const [attempt, request] of probes) {
          const [all, each] = [
            oracle.connection(whole, attempt),
            parts.map((part) => oracle.connection(part, attempt)),
          ];
          expectAtMost(
            all.connect.verdict,
            each.map(({ connect }) => connect.verdict),
          );
          expectAtMost(
            all.bytes,
            each.map(({ bytes }) => bytes),
          );
          if (all.dials && !each.some(({ dials }) => dials)) expect.fail("it dials, where no part does");
          const said = parts.map((part) => oracle.request(part, attempt, request));
          expectAtMost(oracle.request(whole, attempt, request), said);
        }
      }),
      { numRuns: NUM_RUNS },
    );
    expect(found).toBeGreaterThan(NUM_RUNS / 4);
  });
});
