import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { allow, deny, type HookContext } from "../../src/hooks/mod.ts";
import { access, onAccess, onStart, open, says, start, thenable } from "./support.ts";

const never = () => new Promise<undefined>(() => undefined);
const ALLOWED = { verdict: "allow" } as const;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a hook that fails", () => {
  const error = new Error("out of order");
  test.each([
    [
      "throws",
      () => {
        throw error;
      },
    ],
    ["rejects", async () => await Promise.reject(error)],
    [
      "throws something odd",
      () => {
        throw undefined;
      },
    ],
  ])("denies if it %s, and is reported with its cause", async (_, handler) => {
    const { registry, problems } = await open([onAccess("broken", handler), says("next", allow())]);
    expect(await registry.decideAccess(access("/workspace/a"), ALLOWED)).toMatchObject({
      verdict: "deny",
      decidedBy: { kind: "plugin", name: "broken", hook: "filesystem.access" },
      reason: 'plugin "broken" failed: it threw',
    });
    expect(problems).toHaveLength(1);
    expect(problems[0]?.details).toEqual({ plugin: "broken", hook: "filesystem.access", failure: "threw" });
    if (problems[0]?.cause !== undefined) expect(problems[0].cause).toBe(error);
  });

  test.each([[null], [true], ["deny"], [{}], [{ verdict: "allow", reason: 1 }], [() => undefined], [Symbol("x")]])(
    "denies if it answers %o, now or later",
    async (answer) => {
      const { registry, problems } = await open([
        onStart("odd", (each) => (each.pid === 1 ? (answer as never) : Promise.resolve(answer as never))),
      ]);
      for (const pid of [1, 2]) {
        expect(await registry.decideStart(start(["ls"], { pid }), ALLOWED)).toMatchObject({
          verdict: "deny",
          decidedBy: { kind: "plugin", name: "odd" },
          reason: 'plugin "odd" failed: its answer is no verdict',
        });
      }
      expect(problems.map(({ details }) => details.failure)).toEqual(["nonsense", "nonsense"]);
    },
  );

  test("denies if its promise is a trap", async () => {
    const gotcha = (): never => {
      throw new Error("gotcha");
    };
    const thrower = thenable({ get: gotcha });
    const twice = thenable({
      value: (resolve: (value: unknown) => void) => {
        resolve(undefined);
        resolve(undefined);
        gotcha();
      },
    });
    const { registry } = await open([onAccess("trap", () => thrower)]);
    expect(await registry.decideAccess(access("/workspace/a"), ALLOWED)).toMatchObject({ verdict: "deny" });
    const { registry: other } = await open([onAccess("trap", () => twice), says("next", deny("once"))]);
    expect(await other.decideAccess(access("/workspace/a"), ALLOWED)).toMatchObject({ reason: "once" });
  });

  test("a listener to problems that throws changes nothing", async () => {
    const warned = new Promise((resolve) => process.once("warning", resolve));
    const { registry } = await open([onAccess("odd", () => 1 as never)], {
      onProblem: () => {
        throw new Error("a listener threw: expected by a test");
      },
    });
    expect(await registry.decideAccess(access("/workspace/a"), ALLOWED)).toMatchObject({ verdict: "deny" });
    expect(String(await warned)).toContain("a listener threw");
  });
});

describe("a hook that hangs", () => {
  test.each([
    [undefined, 5000],
    [50, 50],
  ])(
    "with the timeoutMs %o denies after %i ms; its signal is aborted, its answer ignored",
    async (given, timeoutMs) => {
      let context: HookContext | undefined;
      let answer: (verdict: undefined) => void = () => undefined;
      const handler = (_: unknown, given: HookContext) => {
        context = given;
        expect(given.signal.aborted).toBe(false);
        return new Promise<undefined>((resolve) => {
          answer = resolve;
        });
      };
      const { registry, problems } = await open([
        onAccess("slow", given === undefined ? handler : { handler, timeoutMs: given }),
      ]);
      const pending = registry.decideAccess(access("/workspace/a"), ALLOWED);
      const settled = vi.fn();
      void Promise.resolve(pending).then(settled);
      await vi.advanceTimersByTimeAsync(timeoutMs - 1);
      expect(settled).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(1);
      const decided = await pending;
      expect(decided).toMatchObject({
        verdict: "deny",
        decidedBy: { kind: "plugin", name: "slow" },
        reason: `plugin "slow" failed: it took too long (${timeoutMs} ms)`,
        deadlineMs: timeoutMs,
      });
      expect(context?.signal.aborted).toBe(true);
      answer(undefined);
      await vi.advanceTimersByTimeAsync(1);
      expect(settled).toHaveBeenCalledTimes(1);
      expect(problems.map(({ details }) => details.failure)).toEqual(["late"]);
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  test("is told even if it looks at its signal only afterwards", async () => {
    let context: HookContext | undefined;
    const { registry } = await open([
      onAccess("slow", (_, given) => {
        context = given;
        return never();
      }),
    ]);
    const pending = registry.decideAccess(access("/workspace/a"), ALLOWED);
    await vi.advanceTimersByTimeAsync(5000);
    await pending;
    expect(context?.signal.aborted).toBe(true);
    expect(String(context?.signal.reason)).toContain("5000 ms");
  });

  test("may reject afterwards without anybody hearing of it", async () => {
    const rejected = vi.fn();
    process.on("unhandledRejection", rejected);
    const { registry, problems } = await open([
      onAccess("slow", (_, { signal }) => {
        return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      }),
    ]);
    const pending = registry.decideAccess(access("/workspace/a"), ALLOWED);
    await vi.advanceTimersByTimeAsync(5001);
    expect(await pending).toMatchObject({ verdict: "deny" });
    vi.useRealTimers();
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", rejected);
    expect(rejected).not.toHaveBeenCalled();
    expect(problems).toHaveLength(1);
  });

  test("leaves no timer if it answers in time, and none is made for one that answers at once", async () => {
    const { registry } = await open([onAccess("now", () => undefined), onAccess("later", async () => undefined)]);
    const { setTimeout: faked } = globalThis;
    const made = vi.fn(faked);
    // No spy on the global: when the file is over vitest would restore it once more, to what is no real one.
    globalThis.setTimeout = Object.assign(made, { __promisify__: faked.__promisify__ });
    try {
      await registry.decideAccess(access("/workspace/a"), ALLOWED);
    } finally {
      globalThis.setTimeout = faked;
    }
    expect(made).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("ends with who asked: the hook is told, and the decision is a denial that nobody is blamed for", async () => {
    let context: HookContext | undefined;
    const { registry, problems } = await open([
      onAccess("slow", (_, given) => {
        context = given;
        return new Promise((_resolve, reject) => {
          given.signal.addEventListener("abort", () => reject(given.signal.reason));
        });
      }),
    ]);
    const asker = new AbortController();
    const pending = registry.decideAccess(access("/workspace/a"), ALLOWED, { signal: asker.signal });
    asker.abort();
    expect(await pending).toMatchObject({ verdict: "deny", decidedBy: { kind: "policy" } });
    expect(context?.signal.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(problems).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("is not even asked for somebody who is gone", async () => {
    const handler = vi.fn(() => undefined);
    const { registry } = await open([onAccess("a", handler)]);
    const options = { signal: AbortSignal.abort() };
    expect(registry.decideAccess(access("/workspace/a"), ALLOWED, options)).toMatchObject({ verdict: "deny" });
    expect(handler).not.toHaveBeenCalled();
  });
});

describe("maxDeadlineMs()", () => {
  test("is what the hooks of a domain may take together", async () => {
    const { registry } = await open([
      says("a", undefined),
      onAccess("b", { handler: () => undefined, timeoutMs: 20.5 }),
      onStart("c", { handler: () => undefined, timeoutMs: 7 }),
    ]);
    expect(registry.maxDeadlineMs("filesystem")).toBe(5021);
    expect(registry.maxDeadlineMs("process")).toBe(7);
    expect((await open([])).registry.maxDeadlineMs("process")).toBe(0);
  });

  test("fits into what the warden counts with", async () => {
    const plugins = Array.from({ length: 2000 }, (_, index) =>
      onStart(`p${index}`, { handler: () => undefined, timeoutMs: 3_600_000 }),
    );
    expect((await open(plugins)).registry.maxDeadlineMs("process")).toBe(86_400_000);
  });
});
