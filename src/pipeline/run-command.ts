/**
 * Runs a stage's program to its end, and everything that it left running with it.
 *
 * @module
 */
import type { Sandbox } from "../sandbox/running.ts";
import type { CommandExit } from "../sandbox/types.ts";
import { OutputTail } from "./tail.ts";

/** What came of it. */
export interface Ran extends CommandExit {
  /** Its beginning, up to `maxBytes`, as it was printed. */
  readonly stdout: Buffer;
  /** The ends, without secrets. */
  readonly stdoutTail: string;
  readonly stderrTail: string;
}

/** Runs it. When this settles nothing that it started is left, so that what it made stands still. */
export async function runCommand(
  sandbox: Sandbox,
  argv: readonly string[],
  options: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly maxBytes: number },
): Promise<Ran> {
  const { timeoutMs, signal, maxBytes } = options;
  await using command = await sandbox.spawn(argv, { timeoutMs, signal });
  const stdout: Uint8Array[] = [];
  let size = 0;
  const tails = { stdout: new OutputTail(sandbox), stderr: new OutputTail(sandbox) };
  for await (const { channel, bytes } of command) {
    tails[channel].push(bytes);
    if (channel === "stderr") continue;
    stdout.push(bytes.subarray(0, Math.max(0, maxBytes - size)));
    size += bytes.length;
  }
  const exit = await command.exited;
  await command.kill();
  return {
    ...exit,
    stdout: Buffer.concat(stdout),
    stdoutTail: tails.stdout.end(),
    stderrTail: tails.stderr.end(),
  };
}
