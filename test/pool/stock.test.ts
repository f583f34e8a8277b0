import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SandboxError } from "../../src/errors.ts";
import { type ReadySandbox, Stock, type StockOptions } from "../../src/pool/stock.ts";
import { type Promised, promised } from "../../src/sandbox/promised.ts";

interface Start {
  succeed(): void;
  fail(error: Error): void;
  readonly signal: AbortSignal;
  /** As if it died of itself. */
  die(): void;
  readonly ends: number;
}

/** A stock of which every start is the test's to settle. */
function open(options: Partial<StockOptions> = {}) {
  const starts: Start[] = [];
  const problems: Error[] = [];
  const stock = new Stock({
    size: 0,
    slots: 8,
    maxWaiting: 8,
    onProblem: (error) => problems.push(error),
    start: (signal) => {
      const start = promised<ReadySandbox>();
      const ended: Promised<string> = promised();
      const control = { ends: 0, signal };
      const id = String(starts.length);
      const warden = {
        ready: undefined,
        ended: ended.promise,
        end: async () => {
          control.ends++;
          ended.resolve("ended");
        },
        finish: () => Promise.reject(new Error("not here")),
      };
      starts.push(
        Object.assign(control, {
          succeed: () => start.resolve({ id, warden, ahead: undefined, trust: undefined, mounted: undefined }),
          fail: (error: Error) => start.reject(error),
          die: () => ended.resolve("it died"),
        }),
      );
      signal.addEventListener("abort", () => start.reject(signal.reason));
      return start.promise;
    },
    ...options,
  });
  const take = (signal?: AbortSignal, timeoutMs = 60_000) => {
    const taken = stock.take({
      signal,
      timeoutMs,
      late: () => stock.exhausted("late"),
      aborted: () => new Error("aborted"),
    });
    taken.catch(() => undefined);
    return taken;
  };
  return { stock, starts, problems, take };
}

/** Lets everything happen that waits for nothing. */
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("Stock", () => {
  test("fills itself up, a few at a time, and hands out the oldest first", async () => {
    const { stock, starts, take } = open({ size: 6 });
    expect(starts).toHaveLength(4);
    for (const start of starts) start.succeed();
    await settle();
    expect(starts).toHaveLength(6);
    expect(stock.counts).toEqual({ ready: 4, starting: 2, inUse: 0, waiting: 0 });
    expect((await take()).id).toBe("0");
    expect((await take()).id).toBe("1");
    expect(stock.counts).toEqual({ ready: 2, starting: 2, inUse: 2, waiting: 0 });
    await vi.advanceTimersByTimeAsync(20);
    expect(stock.counts).toEqual({ ready: 2, starting: 4, inUse: 2, waiting: 0 });
  });

  test("tells when it is full, and the failure that keeps it from that", async () => {
    const { stock, starts } = open({ size: 2 });
    const first = stock.filled();
    const refused = expect(first).rejects.toThrow("no engine");
    starts[0]?.fail(new Error("no engine"));
    await refused;
    const second = stock.filled();
    for (const start of starts.slice(1)) start.succeed();
    await settle();
    await second;
    await stock.filled();
  });

  test("serves callers in the order in which they came", async () => {
    const { starts, take } = open();
    const served: string[] = [];
    for (const name of ["a", "b", "c"]) void take().then(({ id }) => served.push(name + id));
    expect(starts).toHaveLength(3);
    for (const index of [2, 0, 1]) {
      starts[index]?.succeed();
      await settle();
    }
    expect(served).toEqual(["a2", "b0", "c1"]);
  });

  test("tells the first in line of a start that failed, and nobody else", async () => {
    const { starts, take, problems } = open();
    const [first, second] = [take(), take()];
    starts[1]?.fail(new Error("no image"));
    await expect(first).rejects.toThrow("no image");
    starts[0]?.succeed();
    expect((await second).id).toBe("0");
    expect(problems).toEqual([]);
  });

  test("pauses longer after each failure that nobody waited for, but not for who waits", async () => {
    const { stock, starts, problems, take } = open({ size: 1 });
    for (const [index, pause] of [100, 200, 400].entries()) {
      starts[index]?.fail(new Error(`failure ${index}`));
      await settle();
      await vi.advanceTimersByTimeAsync(pause - 1);
      expect(starts).toHaveLength(index + 1);
      await vi.advanceTimersByTimeAsync(1);
      expect(starts).toHaveLength(index + 2);
    }
    expect(problems.map(({ message }) => message)).toEqual(["failure 0", "failure 1", "failure 2"]);
    starts[3]?.fail(new Error("failure 3"));
    await settle();
    expect(stock.counts.starting).toBe(0);
    const taken = take();
    expect(starts).toHaveLength(5);
    starts[4]?.succeed();
    expect((await taken).id).toBe("4");
    await vi.advanceTimersByTimeAsync(30_000);
    expect(stock.counts.starting).toBe(1);
  });

  test("replaces one that dies before it was taken", async () => {
    const { stock, starts, problems, take } = open({ size: 1 });
    starts[0]?.succeed();
    await settle();
    starts[0]?.die();
    await settle();
    expect(stock.counts.ready).toBe(0);
    expect(problems).toEqual([expect.objectContaining({ code: "LINK_LOST" })]);
    await vi.advanceTimersByTimeAsync(100);
    starts[1]?.succeed();
    expect((await take()).id).toBe("1");
    starts[1]?.die();
    await settle();
    expect(problems).toHaveLength(1);
  });

  test("has no more than its slots, and makes another one when one is given back", async () => {
    const { stock, starts, take } = open({ slots: 2 });
    const waiting = [take(), take(), take()];
    expect(starts).toHaveLength(2);
    for (const start of starts) start.succeed();
    await Promise.all(waiting.slice(0, 2));
    expect(stock.counts).toEqual({ ready: 0, starting: 0, inUse: 2, waiting: 1 });
    stock.giveBack();
    starts[2]?.succeed();
    expect((await waiting[2])?.id).toBe("2");
  });

  test("lets no more wait than it may, unless one is ready", async () => {
    const { starts, take, stock } = open({ maxWaiting: 1, size: 1 });
    const first = take();
    await expect(take()).rejects.toMatchObject({
      code: "POOL_EXHAUSTED",
      details: { reason: "crowded", waiting: 1, inUse: 0 },
    });
    for (const start of starts) start.succeed();
    await first;
    await vi.advanceTimersByTimeAsync(20);
    for (const start of starts) start.succeed();
    await settle();
    expect(stock.counts.ready).toBe(1);
    await take();
  });

  test("sends away who waits too long or gives up, and serves the next", async () => {
    const { starts, take, stock } = open({ slots: 1 });
    const controller = new AbortController();
    const [late, aborted, patient] = [take(undefined, 50), take(controller.signal), take()];
    controller.abort();
    await expect(aborted).rejects.toThrow("aborted");
    await expect(take(controller.signal)).rejects.toThrow("aborted");
    const refused = expect(late).rejects.toMatchObject({ code: "POOL_EXHAUSTED", details: { reason: "late" } });
    await vi.advanceTimersByTimeAsync(50);
    await refused;
    expect(stock.counts.waiting).toBe(1);
    starts[0]?.succeed();
    expect((await patient).id).toBe("0");
  });

  test("leaves nothing and nobody when it is closed", async () => {
    const { stock, starts, take, problems } = open({ size: 2, slots: 3 });
    starts[0]?.succeed();
    await settle();
    const taken = await take();
    const [waiting] = [take()];
    const filled = stock.filled();
    filled.catch(() => undefined);
    const closing = stock.close();
    expect(starts.filter(({ signal }) => signal.aborted)).toHaveLength(starts.length);
    await closing;
    await expect(waiting).rejects.toMatchObject({ code: "POOL_CLOSED" });
    await expect(filled).rejects.toMatchObject({ code: "POOL_CLOSED", details: { operation: "ready" } });
    await expect(take()).rejects.toMatchObject({ code: "POOL_CLOSED" });
    await expect(stock.filled()).rejects.toMatchObject({ code: "POOL_CLOSED" });
    expect(stock.counts).toEqual({ ready: 0, starting: 0, inUse: 1, waiting: 0 });
    expect(taken.id).toBe("0");
    expect(starts[0]).toMatchObject({ ends: 0 });
    expect(vi.getTimerCount()).toBe(0);
    expect(problems).toEqual([]);
  });

  test("ends what becomes ready while it closes", async () => {
    const ready = promised<ReadySandbox>();
    let ends = 0;
    const warden = {
      ready: undefined,
      ended: new Promise<string>(() => undefined),
      end: async () => void ends++,
      finish: () => Promise.reject(new Error("not here")),
    };
    const { stock } = open({ size: 1, start: () => ready.promise });
    const closing = stock.close();
    ready.resolve({ id: "slow", warden, ahead: undefined, trust: undefined, mounted: undefined });
    await closing;
    expect(ends).toBe(1);
  });
});

test("a refusal is an error of this library", () => {
  expect(SandboxError.is(open().stock.exhausted("late"), "POOL_EXHAUSTED")).toBe(true);
});
