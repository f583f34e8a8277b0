/**
 * What calls and answers hold of this process's memory while they are under way.
 */
import { Buffer } from "node:buffer";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { HeldBytes, Hold } from "../../src/domains/inference/router/body.ts";
import { relayWhole } from "../../src/domains/inference/router/relay.ts";

const MIB = 1024 * 1024;
const MAX = 4 * MIB;

test("a call counts for what its values and texts take, and for nothing once it is over", () => {
  const held = new HeldBytes(MAX);
  const hold = new Hold(held);
  hold.read(MAX / 4);
  expect(() => new Hold(held).read(1)).toThrow(/Too many large calls/);
  hold.release();
  hold.release();
  // A few bytes each, and a map; what stands in a text is none.
  const maps = Buffer.from(`[${"{},".repeat(MIB / 32)}{}]`);
  expect(() => new Hold(held).parse(maps)).toThrow(/Too many large calls/);
  new Hold(held).parse(Buffer.from(JSON.stringify({ text: `"\\${"{},:[".repeat(MIB / 4)}` })));
  new Hold(held).read(MAX / 4 - 1024);
});

test("a long answer counts until the client has read it, or has gone", async () => {
  const held = new HeldBytes(MAX);
  const answer = "x".repeat(3 * MIB);
  const first = relayWhole(answer, held);
  expect(() => relayWhole(answer, held)).toThrow(/Too many large calls/);
  if (typeof first === "string") expect.unreachable();
  await first.cancel();
  const whole = relayWhole("y".repeat(MIB), held);
  if (typeof whole === "string") expect.unreachable();
  expect((await text(whole as never)).length).toBe(MIB);
  relayWhole(answer, held);
});
