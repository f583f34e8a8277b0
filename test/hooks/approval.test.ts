import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type ApprovalContext,
  type ApprovalRequest,
  type Approver,
  allow,
  ask,
  deny,
  substitute,
} from "../../src/hooks/mod.ts";
import { access, onStart, open, says, start } from "./support.ts";

const OPEN = { verdict: "ask", ruleId: "filesystem.ask:./CHANGELOG.md" } as const;
const file = () => access("/workspace/CHANGELOG.md", { operation: "write", verdict: "ask" });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the approver", () => {
  test.each<[Awaited<ReturnType<Approver>>, string, string]>([
    [true, "allow", "it was approved"],
    [allow("fine by me"), "allow", "fine by me"],
    [false, "deny", "it was not approved"],
    [deny("not today"), "deny", "not today"],
  ])("answers %o, now or later", async (answer, verdict, reason) => {
    for (const approve of [() => answer, async () => answer]) {
      const { registry, problems } = await open([], { approve });
      expect(await registry.decideAccess(file(), OPEN)).toMatchObject({
        verdict,
        reason,
        decidedBy: { kind: "approver", name: "approve" },
        asked: true,
        deadlineMs: 300_000,
      });
      expect(problems).toEqual([]);
    }
  });

  test("hears what is asked, who asks, and why", async () => {
    const requests: ApprovalRequest[] = [];
    const contexts: ApprovalContext[] = [];
    const approve: Approver = (request, context) => {
      requests.push(request);
      contexts.push(context);
      return true;
    };
    const careful = onStart("careful", ({ argv }) => (argv.includes("-rf") ? ask("it is thorough") : undefined));
    const { registry } = await open([careful], { approve, approveTimeoutMs: 1000 });
    await registry.decideAccess(file(), OPEN);
    await registry.decideAccess(file(), { verdict: "ask" });
    await registry.decideStart(start(["rm", "-rf"]), { verdict: "allow", ruleId: "r" });
    expect(requests).toMatchObject([
      { domain: "filesystem", access: file(), reason: "rule filesystem.ask:./CHANGELOG.md asks", ruleId: OPEN.ruleId },
      { domain: "filesystem", askedBy: { kind: "policy" }, reason: "no rule of the policy allows it" },
      {
        domain: "process",
        start: { argv: ["rm", "-rf"] },
        askedBy: { kind: "plugin", name: "careful", hook: "process.start" },
        reason: "it is thorough",
        ruleId: "r",
      },
    ]);
    expect(contexts[0]).toMatchObject({ sandbox: "5a4db0", timeoutMs: 1000 });
    expect(contexts[0]?.signal.aborted).toBe(false);
  });

  test("is not asked where a hook denies, or allows what was left open", async () => {
    const approve = vi.fn(() => true);
    const { registry: denies } = await open([says("a", ask()), says("b", deny("no"))], { approve });
    expect(await denies.decideAccess(file(), OPEN)).toMatchObject({ verdict: "deny" });
    const { registry: allows } = await open([says("a", allow())], { approve });
    expect(await allows.decideAccess(file(), OPEN)).toMatchObject({ verdict: "allow" });
    expect(approve).not.toHaveBeenCalled();
  });

  test("without one the answer is no, and says who wanted to know", async () => {
    const { registry } = await open([says("careful", ask("it is large"))]);
    expect(await registry.decideAccess(file(), { verdict: "allow" })).toMatchObject({
      verdict: "deny",
      decidedBy: { kind: "plugin", name: "careful" },
      reason: "it is large; there is no approver",
    });
    expect(await (await open([])).registry.decideAccess(file(), OPEN)).toMatchObject({
      verdict: "deny",
      decidedBy: { kind: "policy" },
      reason: "rule filesystem.ask:./CHANGELOG.md asks; there is no approver",
    });
  });

  test.each([[undefined], [null], [1], ["yes"], [ask()], [substitute("x")], [{ allowed: true }]])(
    "answering %o is a no, and a problem",
    async (answer) => {
      const { registry, problems } = await open([], { approve: async () => answer as never });
      expect(await registry.decideAccess(access("/workspace/a"), OPEN)).toMatchObject({
        verdict: "deny",
        decidedBy: { kind: "approver" },
      });
      expect(problems[0]?.details).toEqual({ hook: "the approver", failure: "nonsense" });
    },
  );

  test("that throws is a no, and a problem with its cause", async () => {
    const error = new Error("the line is dead");
    const throwing = () => {
      throw error;
    };
    for (const approve of [throwing, async () => throwing()]) {
      const { registry, problems } = await open([], { approve });
      expect(await registry.decideAccess(file(), OPEN)).toMatchObject({
        verdict: "deny",
        reason: "the approver failed",
      });
      expect(problems[0]?.cause).toBe(error);
    }
  });

  test("that takes too long is a no, and is told; what it says afterwards is not heard", async () => {
    let context: ApprovalContext | undefined;
    let answer: (yes: boolean) => void = () => undefined;
    const approve: Approver = (_, given) => {
      context = given;
      return new Promise((resolve) => {
        answer = resolve;
      });
    };
    const { registry, problems } = await open([], { approve });
    const pending = registry.decideAccess(file(), OPEN);
    await vi.advanceTimersByTimeAsync(299_999);
    expect(context?.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    answer(true);
    expect(await pending).toMatchObject({
      verdict: "deny",
      decidedBy: { kind: "approver" },
      reason: "it was not approved within 300000 ms",
    });
    expect(context?.signal.aborted).toBe(true);
    expect(problems).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("is told when who asked is gone", async () => {
    let context: ApprovalContext | undefined;
    const approve: Approver = (_, given) => {
      context = given;
      return new Promise(() => undefined);
    };
    const { registry } = await open([], { approve });
    const asker = new AbortController();
    const pending = registry.decideAccess(file(), OPEN, { signal: asker.signal });
    asker.abort();
    expect(await pending).toMatchObject({ verdict: "deny", decidedBy: { kind: "policy" }, asked: true });
    expect(context?.signal.aborted).toBe(true);
  });

  test("may take as long as a timer can count", async () => {
    const { registry } = await open([], { approve: async () => true, approveTimeoutMs: Number.MAX_SAFE_INTEGER });
    const onHold = vi.fn();
    expect(await registry.decideAccess(file(), OPEN, { onHold })).toMatchObject({ verdict: "allow" });
    expect(onHold).toHaveBeenCalledExactlyOnceWith(2 ** 31 - 1);
  });
});

describe("onHold()", () => {
  test("is called before the approver is, and only then", async () => {
    const order: string[] = [];
    const onHold = (timeoutMs: number) => void order.push(`hold ${timeoutMs}`);
    const approve = () => {
      order.push("approve");
      return true;
    };
    const { registry } = await open([], { approve, approveTimeoutMs: 50 });
    await registry.decideAccess(file(), { verdict: "allow" }, { onHold });
    await registry.decideAccess(file(), OPEN, { onHold });
    expect(order).toEqual(["hold 50", "approve"]);
    order.length = 0;
    await (await open([])).registry.decideAccess(file(), OPEN, { onHold });
    expect(order).toEqual([]);
  });

  test("that throws is a no", async () => {
    const approve = vi.fn(() => true);
    const { registry, problems } = await open([], { approve });
    const onHold = () => {
      throw new Error("the link is gone");
    };
    expect(await registry.decideAccess(file(), OPEN, { onHold })).toMatchObject({ verdict: "deny" });
    expect(approve).not.toHaveBeenCalled();
    expect(problems).toHaveLength(1);
  });
});
