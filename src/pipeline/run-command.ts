/**
 * Runs a stage's program to its end, and everything that it left running with it.
 *
 * @module
 */
import type { Sandbox } from "../sandbox/running.ts";
import type { CommandExit } from "../sandbox/types.ts";

/** What came of it. */
export interface Ran extends CommandExit {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** Whether the standard output was longer than what was kept. */
  readonly truncated: boolean;
}

/** What is kept of the error output: its end. */
const STDERR_BYTES_MAX = 64 * 1024;

/** Runs it. When this settles nothing that it started is left, so that what it made stands still. */
export async function runCommand(
  sandbox: Sandbox,
  argv: readonly string[],
  options: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly maxBytes: number },
): Promise<Ran> {
  const { timeoutMs, signal, maxBytes } = options;
  await using command = await sandbox.spawn(argv, { timeoutMs, signal });
  const stdout: Uint8Array[] = [];
  let [size, truncated] = [0, false];
  let stderr = Buffer.alloc(0);
  for await (const { channel, bytes } of command) {
    if (channel === "stderr") {
      stderr = Buffer.concat([stderr, bytes]).subarray(-STDERR_BYTES_MAX);
      continue;
    }
    const room = Math.max(0, maxBytes - size);
    truncated ||= bytes.length > room;
    stdout.push(bytes.subarray(0, room));
    size += bytes.length;
  }
  const exit = await command.exited;
  await command.kill();
  return { ...exit, stdout: Buffer.concat(stdout), stderr, truncated };
}
