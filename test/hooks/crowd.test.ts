import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { allow, type Decided, deny } from "../../src/hooks/mod.ts";
import { access, onAccess, open } from "./support.ts";

const ALLOWED = { verdict: "allow" } as const;

/** The decisions of a crowd, counted by reason. */
function count(decided: readonly Decided[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { reason } of decided) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("10,000 decisions at once", () => {
  const crowd = Array.from({ length: 10_000 }, (_, index) => access(`/workspace/${index}`));

  test("are all decided where hooks answer at once", async () => {
    const { registry } = await open([onAccess("now", ({ path }) => (path.endsWith("7") ? deny("seven") : undefined))]);
    const decided = await Promise.all(crowd.map((each) => registry.decideAccess(each, ALLOWED)));
    expect(count(decided)).toEqual({ seven: 1000, "nothing denies it": 9000 });
  });

  test("end in decisions where hooks answer later: some run, some wait, the rest is denied", async () => {
    let running = 0;
    let most = 0;
    const order: string[] = [];
    const { registry } = await open([
      onAccess("later", async ({ path }) => {
        most = Math.max(most, ++running);
        order.push(path);
        await new Promise((resolve) => setTimeout(resolve, 1));
        running--;
        return undefined;
      }),
    ]);
    const pending = Promise.all(crowd.map((each) => registry.decideAccess(each, ALLOWED)));
    await vi.advanceTimersByTimeAsync(100);
    expect(count(await pending)).toEqual({ "nothing denies it": 4352, "too many decisions were waiting": 5648 });
    expect(most).toBe(256);
    expect(order).toEqual(crowd.slice(0, 4352).map(({ path }) => path));
    // The places are free again.
    const after = registry.decideAccess(access("/workspace/after"), ALLOWED);
    await vi.advanceTimersByTimeAsync(1);
    expect(await after).toMatchObject({ verdict: "allow" });
  });

  test("end in denials where hooks hang, and the line moves on with each deadline", async () => {
    const { registry } = await open([
      onAccess("stuck", { handler: () => new Promise(() => undefined), timeoutMs: 10 }),
    ]);
    const pending = Promise.all(crowd.map((each) => registry.decideAccess(each, ALLOWED)));
    await vi.advanceTimersByTimeAsync(17 * 10);
    expect(count(await pending)).toEqual({
      'plugin "stuck" failed: it took too long (10 ms)': 4352,
      "too many decisions were waiting": 5648,
    });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("are all denied when their askers go, in the line too", async () => {
    const handler = vi.fn(() => new Promise<undefined>(() => undefined));
    const { registry } = await open([onAccess("stuck", handler)]);
    const askers = crowd.map(() => new AbortController());
    const pending = crowd.map((each, index) => registry.decideAccess(each, ALLOWED, { signal: askers[index]?.signal }));
    for (const asker of askers) asker.abort();
    const decided = await Promise.all(pending);
    expect(decided.every(({ verdict }) => verdict === "deny")).toBe(true);
    // Nobody stands in line for the dead, but the hooks that run still hold their places.
    const waiting = registry.decideAccess(access("/workspace/after"), ALLOWED);
    await vi.advanceTimersByTimeAsync(4999);
    expect(handler).toHaveBeenCalledTimes(256);
    await vi.advanceTimersByTimeAsync(1);
    expect(handler).toHaveBeenCalledTimes(257);
    await vi.advanceTimersByTimeAsync(5000);
    expect(await waiting).toMatchObject({ reason: 'plugin "stuck" failed: it took too long (5000 ms)' });
  });

  test("wait in a loop, not in a recursion, where hooks answer at once", async () => {
    let open_: () => void = () => undefined;
    const opened = new Promise<undefined>((resolve) => {
      open_ = () => resolve(undefined);
    });
    const { registry } = await open([onAccess("mixed", ({ path }) => (path === "/workspace/0" ? opened : undefined))], {
      limits: { running: 1, waiting: 9999 },
    });
    const pending = Promise.all(crowd.map((each) => registry.decideAccess(each, ALLOWED)));
    open_();
    expect(count(await pending)).toEqual({ "nothing denies it": 10_000 });
  });
});

describe("decisions that wait for an approver", () => {
  test("hold up no others, and are bounded by themselves", async () => {
    const approve = () => new Promise<boolean>(() => undefined);
    const limits = { running: 2, waiting: 2, approvals: 3 };
    const { registry } = await open([onAccess("busy", async () => undefined)], {
      approve,
      limits,
      approveTimeoutMs: 10,
    });
    const asked: (Decided | Promise<Decided>)[] = [];
    for (let each = 0; each < 4; each++) {
      asked.push(registry.decideAccess(access("/workspace/a", { verdict: "ask" }), { verdict: "ask" }));
      await vi.advanceTimersByTimeAsync(0);
    }
    expect(await registry.decideAccess(access("/workspace/b"), ALLOWED)).toMatchObject({ verdict: "allow" });
    expect(await asked[3]).toMatchObject({ verdict: "deny", reason: "too many decisions wait for the approver" });
    await vi.advanceTimersByTimeAsync(10);
    expect(count(await Promise.all(asked.slice(0, 3)))).toEqual({ "it was not approved within 10 ms": 3 });
    const again = registry.decideAccess(access("/workspace/a"), { verdict: "ask" });
    await vi.advanceTimersByTimeAsync(10);
    expect((await again).reason).toContain("not approved within");
  });
});

describe("teardown()", () => {
  test("denies what waits in line, and everything after it", async () => {
    let answer: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const { registry } = await open([onAccess("later", async () => await gate.then(() => allow()))], {
      limits: { running: 1 },
    });
    const first = registry.decideAccess(access("/workspace/a"), ALLOWED);
    const second = registry.decideAccess(access("/workspace/b"), ALLOWED);
    await registry.teardown();
    expect(await second).toMatchObject({ verdict: "deny", reason: "the sandbox has ended" });
    expect(registry.decideAccess(access("/workspace/c"), ALLOWED)).toMatchObject({ verdict: "deny" });
    answer();
    expect(await first).toMatchObject({ verdict: "allow" });
  });
});
