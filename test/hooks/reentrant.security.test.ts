import { describe, expect, test } from "vitest";
import { assertNotInHook, definePlugin, deny, insideHookOf } from "../../src/hooks/mod.ts";
import { access, failure, onAccess, open, SANDBOX, thenable } from "./support.ts";

const ALLOWED = { verdict: "allow" } as const;
const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What a sandbox does first of all. */
async function exec(sandbox = SANDBOX): Promise<string> {
  assertNotInHook(sandbox, "exec");
  return "ran";
}

describe("assertNotInHook()", () => {
  test.each([
    ["at once", () => exec()],
    [
      "later",
      async () => {
        await tick();
        await tick();
        await exec();
      },
    ],
    ["from a timer", () => new Promise((resolve, reject) => setTimeout(() => exec().then(resolve, reject), 1))],
    ["from what begins when it is awaited", () => lazily(exec)],
  ])("refuses a hook that calls its sandbox %s, which is a denial", async (_, call) => {
    const { registry, problems } = await open([onAccess("loop", async () => void (await call()) as undefined)]);
    expect(await registry.decideAccess(access("/workspace/a"), ALLOWED)).toMatchObject({
      verdict: "deny",
      decidedBy: { kind: "plugin", name: "loop" },
    });
    expect(problems[0]?.cause).toMatchObject({
      code: "HOOK_REENTRANT",
      details: { sandbox: SANDBOX, operation: "exec", plugin: "loop", hook: "filesystem.access" },
    });
    // The sandbox goes on.
    expect(await exec()).toBe("ran");
  });

  test("refuses it in an answer that only begins when it is awaited", async () => {
    const { registry, problems } = await open([onAccess("lazy", () => lazily(exec) as PromiseLike<undefined>)]);
    expect(await registry.decideAccess(access("/workspace/a"), ALLOWED)).toMatchObject({ verdict: "deny" });
    expect(problems[0]?.cause).toMatchObject({ code: "HOOK_REENTRANT" });
  });

  test("the hook may catch it, and answer", async () => {
    const { registry, problems } = await open([
      onAccess("wiser", async () => {
        const { hint } = await failure("HOOK_REENTRANT", () => exec());
        return deny(hint ?? "");
      }),
    ]);
    expect(await registry.decideAccess(access("/workspace/a"), ALLOWED)).toMatchObject({
      reason: "Answer first, and do it afterwards; or use another sandbox",
    });
    expect(problems).toEqual([]);
  });

  test("lets a hook use another sandbox, unless that one waits for it through a hook of its own", async () => {
    const inner = await open([onAccess("inner", async () => void (await exec()) as undefined)], { sandbox: "other" });
    const outer = await open([
      onAccess("outer", async () => {
        expect(await exec("other")).toBe("ran");
        const decided = await inner.registry.decideAccess(access("/workspace/b"), ALLOWED);
        return deny(decided.reason);
      }),
    ]);
    expect(await outer.registry.decideAccess(access("/workspace/a"), ALLOWED)).toMatchObject({
      reason: 'plugin "inner" failed: it threw',
    });
    expect(inner.problems[0]?.cause).toMatchObject({ code: "HOOK_REENTRANT", details: { sandbox: SANDBOX } });
    expect(await inner.registry.decideAccess(access("/workspace/b"), ALLOWED)).toMatchObject({ verdict: "allow" });
  });

  test("lets a hook do it after its answer, for nobody waits any more", async () => {
    let after: Promise<string> | undefined;
    const { registry } = await open([
      onAccess("patient", () => {
        after = tick().then(() => exec());
        return undefined;
      }),
    ]);
    expect(await registry.decideAccess(access("/workspace/a"), ALLOWED)).toMatchObject({ verdict: "allow" });
    expect(await after).toBe("ran");
  });

  test("lets it after the deadline, too", async () => {
    let after: Promise<unknown> | undefined;
    const { registry } = await open([
      onAccess("late", {
        timeoutMs: 1,
        handler: async (_, { signal }) => {
          after = new Promise((resolve) => signal.addEventListener("abort", resolve)).then(() => exec());
          return (await after) as undefined;
        },
      }),
    ]);
    expect(await registry.decideAccess(access("/workspace/a"), ALLOWED)).toMatchObject({ verdict: "deny" });
    expect(await after).toBe("ran");
  });

  test("lets approvers and observers", async () => {
    const seen: unknown[] = [];
    const observer = definePlugin(() => ({
      name: "observer",
      hooks: {
        decision: async () => void seen.push(await exec()),
        lifecycle: async () => void seen.push(await exec()),
      },
    }));
    const approve = async () => {
      await tick();
      return (await exec()) === "ran";
    };
    const { registry, problems } = await open(
      [onAccess("slow", async () => void (await tick()) as undefined), observer()],
      {
        approve,
      },
    );
    expect(await registry.decideAccess(access("/workspace/a"), { verdict: "ask" })).toMatchObject({ verdict: "allow" });
    registry.observeDecision({} as never);
    registry.observeLifecycle({} as never);
    await tick();
    expect(seen).toEqual(["ran", "ran"]);
    expect(problems).toEqual([]);
  });
});

describe("insideHookOf()", () => {
  test("is nobody outside, and in a hook that hook", async () => {
    const seen: unknown[] = [];
    const { registry } = await open([
      onAccess("p", () => {
        seen.push(insideHookOf(SANDBOX), insideHookOf("other"));
        return undefined;
      }),
    ]);
    await registry.decideAccess(access("/workspace/a"), ALLOWED);
    expect(seen).toEqual([{ plugin: "p", hook: "filesystem.access" }, undefined]);
    expect(insideHookOf(SANDBOX)).toBeUndefined();
  });

  test("is nobody in an approver and an observer, wherever the decision began", async () => {
    const inside: unknown[] = [];
    const look = () => void inside.push(insideHookOf(SANDBOX));
    const observer = { name: "observer", hooks: { decision: look } };
    const approve = () => {
      look();
      return true;
    };
    const inner = await open([observer], { sandbox: "other", approve });
    const { registry } = await open([
      onAccess("p", () => {
        look();
        inner.registry.observeDecision({} as never);
        inner.registry.decideAccess(access("/workspace/b"), { verdict: "ask" });
        return undefined;
      }),
    ]);
    await registry.decideAccess(access("/workspace/a"), ALLOWED);
    expect(inside).toEqual([{ plugin: "p", hook: "filesystem.access" }, undefined, undefined]);
  });

  test("is not carried into what waited in line meanwhile", async () => {
    const inside: unknown[] = [];
    let answer: () => void = () => undefined;
    const first = new Promise<undefined>((resolve) => {
      answer = () => resolve(undefined);
    });
    const { registry } = await open(
      [onAccess("p", ({ path }) => (path === "/workspace/a" ? first : Promise.resolve(undefined)))],
      {
        limits: { running: 1 },
        approve: () => {
          inside.push(insideHookOf(SANDBOX));
          return true;
        },
      },
    );
    const decided = ["a", "b"].map((name) => registry.decideAccess(access(`/workspace/${name}`), { verdict: "ask" }));
    answer();
    await Promise.all(decided);
    expect(inside).toEqual([undefined, undefined]);
  });
});

/** Does nothing until somebody awaits it, as builders of queries do. */
function lazily(run: () => Promise<unknown>): PromiseLike<unknown> {
  return thenable({
    value: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void run().then(resolve, reject),
  });
}
