/**
 * A sandbox in which nothing runs.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { killed, settled } from "./change-policy.ts";
import type { RunningProgram } from "./context.ts";

/**
 * Makes sure that nothing runs.
 *
 * @throws {SandboxError} COMMANDS_RUNNING If something does, and is not to be killed.
 */
export async function quiet(
  running: ReadonlySet<RunningProgram>,
  mode: "kill" | undefined,
  purpose: string,
): Promise<void> {
  if (mode === "kill") await Promise.all([...running].map(killed));
  else await settled(running);
  const count = running.size;
  if (count === 0) return;
  throw new SandboxError(
    "COMMANDS_RUNNING",
    `Cannot ${purpose} while ${count} command${count === 1 ? " runs" : "s run"}: files may change meanwhile`,
    { details: { count, section: "filesystem" }, hint: 'Wait for them, or pass { running: "kill" }' },
  );
}
