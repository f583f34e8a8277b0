import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Decision } from "../../src/audit/mod.ts";
import { CountedAllows } from "../../src/sandbox/counted-allows.ts";

type Decided = Omit<Decision, "kind">;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const decision = (rest: Partial<Decided> = {}): Decided => ({
  domain: "network",
  operation: "request",
  object: "GET https://a.test/",
  subject: { pid: 1, binary: "/usr/bin/curl" },
  verdict: "allow",
  ruleId: "it",
  decidedBy: { kind: "policy" },
  reason: "rule it allows it",
  ...rest,
});

function counting() {
  const seen: Decided[] = [];
  const counted = new CountedAllows({ decision: (each) => seen.push(each), problem: () => undefined });
  return { seen, counted };
}

test("the first is recorded at once, and those that follow in one record with their number", () => {
  const { seen, counted } = counting();
  for (let pid = 1; pid <= 5; pid++) counted.decision(decision({ subject: { pid, binary: "/usr/bin/curl" } }));
  expect(seen.map(({ count }) => count)).toEqual([undefined]);
  vi.advanceTimersByTime(1000);
  expect(seen.map(({ count, subject }) => [count, subject?.pid])).toEqual([
    [undefined, 1],
    [4, 2],
  ]);
  counted.decision(decision());
  expect(seen).toHaveLength(3);
});

test("what differs for a reader is not equal, and nothing but what the policy allows is counted", () => {
  const { seen, counted } = counting();
  const all: Partial<Decided>[] = [
    {},
    { object: "GET https://b.test/" },
    { ruleId: "other" },
    { subject: { pid: 1, binary: "/usr/bin/wget" } },
    { reason: "rule it only audits: enforced, it would be denied" },
  ];
  for (const each of all) counted.decision(decision(each));
  expect(seen).toHaveLength(all.length);
  for (const each of [{ verdict: "deny" }, { decidedBy: { kind: "approver", name: "approve" } }] as const) {
    seen.length = 0;
    for (let index = 0; index < 3; index++) counted.decision(decision(each));
    expect(seen.map(({ count }) => count)).toEqual([undefined, undefined, undefined]);
  }
});

test("no number is lost at the end, nor where there are very many different ones", () => {
  const { seen, counted } = counting();
  for (let round = 0; round < 3; round++) {
    for (let index = 0; index < 600; index++) counted.decision(decision({ object: `GET https://h${index}.test/` }));
  }
  counted.flush();
  expect(seen.reduce((sum, { count = 1 }) => sum + count, 0)).toBe(1800);
  counted.flush();
  vi.advanceTimersByTime(5000);
  expect(seen.reduce((sum, { count = 1 }) => sum + count, 0)).toBe(1800);
});
