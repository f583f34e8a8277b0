import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { DecisionRecord } from "../../src/audit/mod.ts";
import type { LifecycleEvent, Plugin } from "../../src/hooks/mod.ts";
import { open } from "./support.ts";

const base = { time: "2026-01-01T00:00:00.000Z", sequence: 1, sandbox: "s", policy: { digest: "d", generation: 1 } };
const record: DecisionRecord = {
  ...base,
  kind: "decision",
  domain: "filesystem",
  operation: "read",
  object: "/etc/shadow",
  verdict: "deny",
  decidedBy: { kind: "policy" },
  reason: "no",
};
const event: LifecycleEvent = { ...base, kind: "sandbox.end", reason: "stopped", durationMs: 1 };

const observer = (name: string, decision: NonNullable<Plugin["hooks"]>["decision"]): Plugin => ({
  name,
  hooks: decision === undefined ? {} : { decision },
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("observe hooks", () => {
  test("hear of what they are for, all at once", async () => {
    const heard: string[] = [];
    const hangs = observer("hangs", () => {
      heard.push("hangs");
      return new Promise(() => undefined);
    });
    const { registry } = await open([
      hangs,
      observer("b", (each, { plugin, hook }) => void heard.push(`${plugin} ${hook} ${each.object}`)),
      { name: "c", hooks: { lifecycle: { handler: (each, { hook }) => void heard.push(`${hook} ${each.kind}`) } } },
    ]);
    registry.observeDecision(record);
    registry.observeLifecycle(event);
    expect(heard).toEqual(["hangs", "b decision /etc/shadow", "lifecycle sandbox.end"]);
    expect(registry.subscriptions()).toEqual([]);
  });

  test("that fail are reported, and change nothing for the others", async () => {
    const heard = vi.fn();
    const error = new Error("disk full");
    const { registry, problems } = await open([
      observer("throws", () => {
        throw error;
      }),
      observer("rejects", async () => await Promise.reject(error)),
      observer("hangs", { handler: () => new Promise(() => undefined), timeoutMs: 10 }),
      observer("fine", heard),
    ]);
    registry.observeDecision(record);
    await vi.advanceTimersByTimeAsync(10);
    expect(heard).toHaveBeenCalledTimes(1);
    expect(problems.map(({ details }) => details)).toEqual([
      { plugin: "throws", hook: "decision", failure: "threw" },
      { plugin: "rejects", hook: "decision", failure: "threw" },
      { plugin: "hangs", hook: "decision", failure: "late" },
    ]);
    expect(problems[0]?.cause).toBe(error);
  });

  test("that do not keep up are passed by, which is said once, until they do again", async () => {
    let calls = 0;
    const { registry, problems } = await open([
      observer("slow", {
        handler: () => {
          calls++;
          return new Promise((resolve) => setTimeout(resolve, 5));
        },
      }),
    ]);
    for (let each = 0; each < 2000; each++) registry.observeDecision(record);
    expect(calls).toBe(1024);
    expect(problems.map(({ details }) => details.failure)).toEqual(["crowded"]);
    await vi.advanceTimersByTimeAsync(5);
    registry.observeDecision(record);
    expect(calls).toBe(1025);
  });
});
