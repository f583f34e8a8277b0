import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { AccessRequests, PENDING_MAX, PER_MINUTE } from "../../../src/sandbox/local-site/access-requests.ts";
import type { AccessAnswer } from "../../../src/sandbox/local-site/decide-access.ts";
import type { AccessAsk } from "../../../src/sandbox/local-site/read-access.ts";

const SUBJECT = { pid: 7, binary: "/usr/bin/curl", ancestors: [] };
const ask = (host: string, reason = "x"): AccessAsk => ({ kind: "network", host, port: 443, reason });
const never = new AbortController().signal;

function desk() {
  const answers: ((answer: AccessAnswer) => void)[] = [];
  const clock = { now: 0 };
  const decide = () => new Promise<AccessAnswer>((resolve) => answers.push(resolve));
  return { answers, clock, requests: new AccessRequests(decide, () => clock.now) };
}

describe("AccessRequests", () => {
  test("waits for the answer, as long as it may", async () => {
    const { answers, requests } = desk();
    expect(requests.make(ask("a.test"), SUBJECT)).toMatchObject({ id: "r1", status: "pending" });
    expect(await requests.find("r1", 10, never)).toMatchObject({ status: "pending" });
    const waiting = requests.find("r1", 60_000, never);
    answers[0]?.({ status: "allowed", reason: "fine", rule: "cofferdam:grant-1" });
    expect(await waiting).toEqual({ id: "r1", status: "allowed", reason: "fine", rule: "cofferdam:grant-1" });
    expect(await requests.find("r2", 10, never)).toBeUndefined();
  });

  test("asks once while nobody has answered, whatever words are used", () => {
    const { answers, requests } = desk();
    requests.make(ask("a.test", "please"), SUBJECT);
    expect(requests.make(ask("a.test", "pretty please"), SUBJECT)).toMatchObject({ id: "r1" });
    expect(requests.make(ask("b.test"), SUBJECT)).toMatchObject({ id: "r2" });
    expect(answers).toHaveLength(2);
  });

  test("a denial stands for a minute, so that nobody is worn down, and ends with the policy", async () => {
    const { answers, clock, requests } = desk();
    requests.make(ask("a.test"), SUBJECT);
    answers[0]?.({ status: "denied", reason: "no" });
    await requests.find("r1", 1000, never);
    expect(requests.make(ask("a.test"), SUBJECT)).toMatchObject({ id: "r1", status: "denied" });
    clock.now = 61_000;
    expect(requests.make(ask("a.test"), SUBJECT)).toMatchObject({ id: "r2", status: "pending" });
    answers[1]?.({ status: "denied", reason: "no" });
    await requests.find("r2", 1000, never);
    requests.policyChanged();
    expect(requests.make(ask("a.test"), SUBJECT)).toMatchObject({ id: "r3", status: "pending" });
  });

  test("takes few in a minute, and few that wait", async () => {
    const { answers, clock, requests } = desk();
    for (let index = 0; index < PENDING_MAX; index++) requests.make(ask(`h${index}.test`), SUBJECT);
    expect(requests.make(ask("more.test"), SUBJECT)).toEqual({ retryAfterSeconds: 10 });
    for (const answer of answers) answer({ status: "denied", reason: "no" });
    await requests.find("r8", 1000, never);
    for (let index = PENDING_MAX; index < PER_MINUTE; index++) requests.make(ask(`h${index}.test`), SUBJECT);
    expect(requests.make(ask("more.test"), SUBJECT)).toEqual({ retryAfterSeconds: 60 });
    clock.now = 60_000;
    expect(requests.make(ask("more.test"), SUBJECT)).toMatchObject({ status: "pending" });
  });

  test("keeps nothing of those who asked and went, however many", async () => {
    const { answers, requests } = desk();
    requests.make(ask("a.test"), SUBJECT);
    const poll = () => Promise.all(Array.from({ length: 5000 }, () => requests.find("r1", 0, never)));
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const used = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    await poll();
    const before = used();
    for (let round = 0; round < 20; round++) await poll();
    expect(used() - before).toBeLessThan(5_000_000);
    expect(answers).toHaveLength(1);
  });
});
