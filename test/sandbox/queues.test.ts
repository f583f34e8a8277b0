import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteQueue } from "../../src/link/byte-queue.ts";
import { ByteChannel } from "../../src/sandbox/byte-channel.ts";
import { Runs } from "../../src/sandbox/runs.ts";

describe("ByteQueue", () => {
  test("gives back what went in, however it is pushed and taken", () => {
    const step = fc.oneof(
      fc.uint8Array({ maxLength: 9000 }).map((push) => ({ push, take: 0 })),
      fc.nat(9000).map((take) => ({ push: new Uint8Array(0), take })),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new ByteQueue();
        let model = Buffer.alloc(0);
        for (const { push, take } of steps) {
          queue.push(push);
          model = Buffer.concat([model, push]);
          const taken = queue.take(take);
          expect(Buffer.from(taken).equals(model.subarray(0, take))).toBe(true);
          model = model.subarray(taken.length);
          expect(queue.size).toBe(model.length);
        }
        expect(Buffer.from(queue.take()).equals(model)).toBe(true);
      }),
    );
  });
});

describe("Runs", () => {
  test("keeps the order, joins what belongs together, and forgets what was taken", () => {
    const lengths = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 5 })), { maxLength: 3000 });
    fc.assert(
      fc.property(lengths, fc.array(fc.boolean(), { maxLength: 50 }), (added, takes) => {
        const runs = new Runs(["a", "b"]);
        const model: string[] = [];
        for (const [first, length] of added) {
          runs.add(first ? "a" : "b", length);
          model.push(...(first ? "a" : "b").repeat(length));
        }
        for (const one of takes) {
          const run = runs.first();
          if (run === undefined) break;
          const length = one ? 1 : run.length;
          expect(model.splice(0, length).join("")).toBe(run.of.repeat(length));
          runs.take(length);
        }
        let rest = "";
        for (let run = runs.first(); run !== undefined; run = runs.first()) {
          rest += run.of.repeat(run.length);
          runs.take(run.length);
        }
        expect(rest).toBe(model.join(""));
      }),
      { numRuns: 50 },
    );
  });

  test("are few where nothing alternates", () => {
    const runs = new Runs(["a", "b"]);
    for (let i = 0; i < 1000; i++) runs.add("b", 1);
    expect(runs.first()).toEqual({ of: "b", length: 1000 });
  });
});

describe("ByteChannel", () => {
  test("gives what there is, then the error", async () => {
    const channel = new ByteChannel();
    channel.push(Buffer.from("ab"));
    channel.end(new Error("over"));
    channel.push(Buffer.from("late"));
    expect(Buffer.from((await channel.next()) ?? []).toString()).toBe("ab");
    await expect(channel.next()).rejects.toThrow("over");
  });

  test("gives pieces of a bounded size", async () => {
    const channel = new ByteChannel();
    channel.push(Buffer.alloc(100_000));
    channel.end();
    expect((await channel.next())?.length).toBe(65_536);
    expect((await channel.next(10))?.length).toBe(10);
    expect((await channel.next())?.length).toBe(100_000 - 65_546);
    expect(await channel.next()).toBeUndefined();
  });
});
