/**
 * `cofferdam run`: a sandbox, a program in it, and what came of it.
 *
 * @module
 */
import { writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { type Command, type CommandExit, createSandbox, type Sandbox, SandboxError } from "../../mod.ts";
import { EXIT, SIGNAL_BASE } from "../exit-codes.ts";
import { ExitError, UsageError } from "../failure.ts";
import { note } from "../write.ts";
import { attach } from "./attach.ts";
import type { RunFlags } from "./flags.ts";
import { Interruption } from "./interruption.ts";
import { isUnderWay } from "./progress.ts";
import { reportOf, summaryLines } from "./report.ts";
import { reviewChanges } from "./review-changes.ts";
import { programEnvironment, sandboxInput } from "./sandbox-input.ts";

/** Runs a program; the exit code. */
export async function run(argv: readonly string[], flags: RunFlags): Promise<number> {
  if (flags.apply !== undefined && flags.discard) throw new UsageError("--apply and --discard exclude each other");
  const interruption = new Interruption();
  try {
    await using sandbox = await openFor(flags, interruption);
    const exit = await runIn(sandbox, argv, flags, interruption);
    const review = interruption.ended ? undefined : await reviewChanges(sandbox, flags, interruption);
    const report = reportOf({ sandbox, argv, exit, review });
    if (flags.report !== undefined) await writeFile(flags.report, `${JSON.stringify(report, undefined, 2)}\n`);
    if (flags.json) note(JSON.stringify(report));
    else if (!flags.quiet) for (const line of summaryLines(report)) note(line);
    const code = codeOf(exit);
    return code === EXIT.ok && (review?.refused.length ?? 0) > 0 ? EXIT.problem : code;
  } finally {
    interruption.close();
  }
}

async function openFor(flags: RunFlags, interruption: Interruption): Promise<Sandbox> {
  const { policy, options } = await sandboxInput(flags);
  const starting = createSandbox(policy, { ...options, signal: interruption.signal });
  try {
    return await isUnderWay("Starting the sandbox", starting, flags);
  } catch (error) {
    throw new ExitError(EXIT.sandbox, error);
  }
}

async function runIn(
  sandbox: Sandbox,
  argv: readonly string[],
  flags: RunFlags,
  interruption: Interruption,
): Promise<CommandExit> {
  const terminal = flags.tty !== false && process.stdin.isTTY === true && process.stdout.isTTY === true;
  const { columns = 80, rows = 24 } = process.stdout;
  let command: Command;
  try {
    command = await sandbox.spawn(argv, {
      ...(terminal ? { pty: { columns, rows } } : { stdin: "pipe" }),
      env: programEnvironment(terminal),
      ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout }),
    });
  } catch (error) {
    if (!SandboxError.is(error, "EXEC_FAILED")) throw new ExitError(EXIT.sandbox, error);
    throw new ExitError(error.details.errno === "ENOENT" ? EXIT.notFound : EXIT.notExecutable, error);
  }
  await using running = command;
  return await attach(running, terminal, interruption);
}

function codeOf({ exitCode, signal }: CommandExit): number {
  if (exitCode !== null) return exitCode;
  const numbers: Readonly<Record<string, number>> = constants.signals;
  return SIGNAL_BASE + (numbers[signal ?? "SIGKILL"] ?? 9);
}
