import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { clearTerminal } from "../../src/approvals/terminal/ask-line.ts";

test("a question waits while somebody types: they have not seen it", async () => {
  const input = Object.assign(new PassThrough(), { setRawMode: () => input });
  const output = new PassThrough();
  const cleared = clearTerminal({ input, output } as never);
  input.write("y");
  await new Promise((resolve) => setTimeout(resolve, 200));
  // Later than terminals answer by themselves.
  expect(input.listenerCount("data")).toBe(1);
  await cleared;
  expect([input.listenerCount("data"), input.isPaused()]).toEqual([0, true]);
});
