import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { passThrough } from "../../src/credentials/pass-through.ts";

const text = async (stream: Readable): Promise<string> => {
  let all = "";
  for await (const chunk of stream) all += chunk;
  return all;
};

describe("passThrough()", () => {
  test("relays all, and leaves a source that ended alone", async () => {
    let left = 0;
    const by = passThrough(Readable.from(["a", "b"], { objectMode: false }), new PassThrough(), () => left++);
    expect(await text(by)).toBe("ab");
    await new Promise((resolve) => setImmediate(resolve));
    expect(left).toBe(0);
  });

  test("breaks with its source, also where nobody listens yet", async () => {
    const source = new PassThrough();
    const by = passThrough(source, new PassThrough(), () => undefined);
    source.destroy(new Error("cut off"));
    // Without a listener of its own this would end the process.
    await once(by, "close").catch(() => undefined);
    expect([by.destroyed, by.readableEnded]).toEqual([true, false]);
    const late = passThrough(source, new PassThrough(), () => undefined);
    expect(late.destroyed).toBe(true);
  });

  test("tells that it was left, and then reads nothing more of its source", async () => {
    const source = new PassThrough();
    let left = 0;
    const by = passThrough(source, new PassThrough(), () => left++);
    source.write("x");
    by.destroy();
    await once(by, "close");
    expect(left).toBe(1);
    expect(source.destroyed).toBe(false);
  });
});
