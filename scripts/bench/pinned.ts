/** Keeping a sandbox on one processor: its warden too, so that a decision is a switch of tasks and not a message across. */
import type { Sandbox } from "../../src/mod.ts";
import { runCommand } from "./command.ts";
import { PROCESSOR } from "./native.ts";
import { childrenOf } from "./processes.ts";

/** Creates a sandbox of the local runtime, and pins all that it consists of and will start. */
export async function createPinned(create: () => Promise<Sandbox>): Promise<Sandbox> {
  const earlier = new Set(await childrenOf(process.pid));
  const sandbox = await create();
  const launchers = (await childrenOf(process.pid)).filter((pid) => !earlier.has(pid));
  if (launchers.length === 0) throw new Error("the sandbox has no process to pin");
  for (const pid of launchers) await pinTree(pid);
  return sandbox;
}

async function pinTree(pid: number): Promise<void> {
  await runCommand(["taskset", "--all-tasks", "--cpu-list", "--pid", PROCESSOR, String(pid)]);
  for (const child of await childrenOf(pid)) await pinTree(child);
}
