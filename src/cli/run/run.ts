/**
 * `cofferdam run`: a sandbox, a program in it, and what came of it.
 *
 * @module
 */
import { constants } from "node:os";
import type { Command, CommandExit, Sandbox } from "../../mod.ts";
import { EXIT, SIGNAL_BASE } from "../exit-codes.ts";
import { ExitError, UsageError } from "../failure.ts";
import { createSandbox, SandboxError } from "../library.ts";
import { note } from "../write.ts";
import { attach } from "./attach.ts";
import type { RunFlags } from "./flags.ts";
import { Interruption } from "./interruption.ts";
import { openOutFile } from "./out-file.ts";
import { isUnderWay } from "./progress.ts";
import { reportOf, summaryLines } from "./report.ts";
import { reviewChanges } from "./review-changes.ts";
import { programEnvironment, sandboxInput } from "./sandbox-input.ts";

/** Runs a program; the exit code. */
export async function run(argv: readonly string[], flags: RunFlags): Promise<number> {
  refuseContradictions(flags);
  await using patch = await openOutFile("--patch", flags.patch);
  await using reportFile = await openOutFile("--report", flags.report);
  const interruption = new Interruption();
  try {
    await using sandbox = await openFor(flags, interruption);
    const exit = await runIn(sandbox, argv, flags, interruption);
    if (interruption.ended) note("cofferdam: it was interrupted: what was changed is thrown away");
    const review = interruption.ended ? undefined : await reviewChanges(sandbox, { flags, patch, interruption });
    const report = reportOf({ sandbox, argv, exit, review });
    await reportFile?.writeFile(`${JSON.stringify(report, undefined, 2)}\n`);
    if (flags.json) note(JSON.stringify(report));
    else if (!flags.quiet) for (const line of summaryLines(report)) note(line);
    const code = codeOf(exit);
    const isComplete = review === undefined || (review.refused.length === 0 && review.problem === undefined);
    return code === EXIT.ok && !isComplete ? EXIT.problem : code;
  } finally {
    interruption.close();
  }
}

function refuseContradictions({ apply, discard, patch, mode, workspace }: RunFlags): void {
  if (apply !== undefined && discard) throw new UsageError("--apply and --discard exclude each other");
  if (mode !== "mount" && workspace !== false) return;
  const unused = Object.entries({ "--apply": apply, "--patch": patch }).find(([, value]) => value !== undefined);
  if (unused === undefined) return;
  const why = mode === "mount" ? "a mounted folder is changed at once" : "there is no folder";
  throw new UsageError(`${unused[0]} has nothing to review: ${why}`);
}

async function openFor(flags: RunFlags, interruption: Interruption): Promise<Sandbox> {
  try {
    const { policy, options } = await sandboxInput(flags);
    const starting = createSandbox(policy, { ...options, signal: interruption.signal });
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
