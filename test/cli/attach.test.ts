import { stdin } from "node:process";
import { expect, onTestFinished, test } from "vitest";
import { attach } from "../../src/cli/run/attach.ts";
import { Interruption } from "../../src/cli/run/interruption.ts";
import { takeTerminal } from "../../src/cli/run/terminal-turn.ts";
import { createSandbox } from "../../src/mod.ts";

test("keys are a question's alone, also where the program has asked before it is carried", async () => {
  await using sandbox = await createSandbox({ version: 1 }, { runtime: "local" });
  const command = await sandbox.spawn(["cat"], { stdin: "pipe" });
  const interruption = new Interruption();
  onTestFinished(() => interruption.close());
  const before = stdin.listenerCount("data");
  const giveBack = takeTerminal();
  const carried = attach(command, false, interruption);
  await new Promise((resolve) => setImmediate(resolve));
  expect(stdin.listenerCount("data")).toBe(before);
  giveBack();
  await expect.poll(() => stdin.listenerCount("data")).toBe(before + 1);
  await command.kill();
  expect((await carried).signal).toBe("SIGKILL");
  expect(stdin.listenerCount("data")).toBe(before);
});
