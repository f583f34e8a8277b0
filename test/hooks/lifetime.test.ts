import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Plugin } from "../../src/hooks/mod.ts";
import { failure, open } from "./support.ts";

let log: string[] = [];

beforeEach(() => {
  log = [];
  vi.useFakeTimers();
});
afterEach(() => void vi.useRealTimers());

/** A plugin that says what happens to it. */
function logged(name: string, change: Partial<Plugin> = {}): Plugin {
  return {
    name,
    setup: async () => {
      log.push(`${name} up`);
      return () => void log.push(`${name} disposed`);
    },
    teardown: () => void log.push(`${name} down`),
    ...change,
  };
}

describe("setup()", () => {
  test("runs in order, one after the other, and knows where it is", async () => {
    const contexts: unknown[] = [];
    const slow = logged("slow", {
      setup: async (context) => {
        contexts.push(context);
        await new Promise((resolve) => setTimeout(resolve, 10));
        log.push("slow up");
      },
    });
    const pending = open([slow, logged("b")]);
    await vi.advanceTimersByTimeAsync(10);
    await pending;
    expect(log).toEqual(["slow up", "b up"]);
    expect(contexts).toEqual([{ sandbox: "5a4db0", plugin: "slow" }]);
  });

  test("is a method of its plugin", async () => {
    class Stateful implements Plugin {
      readonly name = "stateful";
      up = 0;
      setup() {
        this.up++;
      }
      teardown() {
        this.up--;
      }
    }
    const plugin = new Stateful();
    const { registry } = await open([plugin]);
    expect(plugin.up).toBe(1);
    await registry.teardown();
    expect(plugin.up).toBe(0);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("no database");
      },
      "its setup failed: no database",
    ],
    ["rejects", async () => await Promise.reject(new Error("no database")), "its setup failed: no database"],
    ["returns something odd", () => 7 as never, "its setup returned a number"],
  ])(
    "that %s undoes the setups before it, in reverse order, and sets up nothing after it",
    async (_, setup, reason) => {
      const plugins = [logged("a"), logged("b"), logged("broken", { setup }), logged("never")];
      const error = await failure("PLUGIN_INVALID", () => open(plugins));
      expect(error.details).toEqual({ plugin: "broken", reason });
      expect(log).toEqual(["a up", "b up", "b disposed", "b down", "a disposed", "a down"]);
    },
  );

  test("that never ends is a failure, and what it sets up later is undone", async () => {
    let answer: (disposer: () => void) => void = () => undefined;
    const hanging = logged("hanging", {
      setup: () =>
        new Promise<(() => void) | undefined>((resolve) => {
          answer = resolve;
        }),
    });
    const pending = failure("PLUGIN_INVALID", () => open([logged("a"), hanging]));
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await pending).details).toMatchObject({ plugin: "hanging", reason: "its setup took more than 60000 ms" });
    expect(log).toEqual(["a up", "a disposed", "a down"]);
    answer(() => void log.push("hanging disposed"));
    await vi.advanceTimersByTimeAsync(0);
    expect(log.at(-1)).toBe("hanging disposed");
  });

  test("does not run where a plugin is malformed", async () => {
    await failure("PLUGIN_INVALID", () => open([logged("a"), { name: "a" }]));
    expect(log).toEqual([]);
  });
});

describe("teardown()", () => {
  test("runs in reverse order, and once", async () => {
    const { registry } = await open([logged("a"), logged("b"), { name: "none" }]);
    log.length = 0;
    await Promise.all([registry.teardown(), registry.teardown()]);
    await registry.teardown();
    expect(log).toEqual(["b disposed", "b down", "a disposed", "a down"]);
  });

  test("goes on after what fails or hangs, and reports it", async () => {
    const { registry, problems } = await open([
      logged("a"),
      logged("stuck", { teardown: () => new Promise(() => undefined) }),
      logged("broken", {
        teardown: () => {
          throw new Error("no");
        },
      }),
    ]);
    log.length = 0;
    const pending = registry.teardown();
    await vi.advanceTimersByTimeAsync(5000);
    await pending;
    expect(log).toEqual(["broken disposed", "stuck disposed", "a disposed", "a down"]);
    expect(problems.map(({ details }) => details)).toEqual([
      { plugin: "broken", hook: "the teardown", failure: "threw" },
      { plugin: "stuck", hook: "the teardown", failure: "late" },
    ]);
  });
});
