/**
 * A sandbox, a program in it, and what came of it: here, and in the background.
 *
 * @module
 */
import type { Command, CommandExit, Sandbox } from "../../mod.ts";
import { EXIT } from "../exit-codes.ts";
import { ExitError, HintedError, UsageError } from "../failure.ts";
import { createSandbox, SandboxError } from "../library.ts";
import { note } from "../write.ts";
import type { Carrier } from "./carrier.ts";
import { exitCodeOf } from "./exit-code.ts";
import type { RunFlags } from "./flags.ts";
import { Interruption } from "./interruption.ts";
import { openOutFile } from "./out-file.ts";
import { isUnderWay } from "./progress.ts";
import { reportOf, summaryLines } from "./report.ts";
import { reviewChanges } from "./review-changes.ts";
import { programEnvironment, sandboxInput } from "./sandbox-input.ts";

/** A sandbox from its start to its end; the exit code. */
export async function runSandbox(argv: readonly string[], flags: RunFlags, carrier: Carrier): Promise<number> {
  await using patch = await openOutFile("--patch", flags.patch);
  await using reportFile = await openOutFile("--report", flags.report);
  const interruption = new Interruption();
  try {
    await using sandbox = await openFor(flags, carrier, interruption);
    const exit = await runIn(sandbox, argv, { flags, carrier, interruption });
    if (interruption.ended) note("cofferdam: it was interrupted: what was changed is thrown away");
    const review = interruption.ended ? undefined : await reviewChanges(sandbox, { flags, patch, interruption });
    const report = reportOf({ sandbox, argv, exit, review });
    await reportFile?.writeFile(`${JSON.stringify(report, undefined, 2)}\n`);
    if (flags.json) note(JSON.stringify(report));
    else if (!flags.quiet) for (const line of summaryLines(report)) note(line);
    const code = exitCodeOf(exit);
    const isComplete = review === undefined || (review.refused.length === 0 && review.problem === undefined);
    return code === EXIT.ok && !isComplete ? EXIT.problem : code;
  } catch (error) {
    if (!interruption.ended) throw error;
    note("cofferdam: it was interrupted: what was changed is thrown away");
    return interruption.exitCode;
  } finally {
    interruption.close();
  }
}

async function openFor(flags: RunFlags, carrier: Carrier, interruption: Interruption): Promise<Sandbox> {
  try {
    const { policy, options, setup } = await sandboxInput(flags, interruption.signal, carrier.approve);
    const starting = createSandbox(policy, { ...options, signal: interruption.signal });
    const sandbox = await isUnderWay("Starting the sandbox", starting, flags);
    await isUnderWay("Preparing the sandbox", prepare(sandbox, setup), flags);
    return sandbox;
  } catch (error) {
    // A command line that is wrong is wrong whatever it was for.
    throw error instanceof UsageError ? error : new ExitError(EXIT.sandbox, error);
  }
}

/** What its image says that comes first: in the sandbox, as everything else. */
async function prepare(sandbox: Sandbox, setup: readonly (readonly string[])[]): Promise<void> {
  try {
    for (const argv of setup) await sandbox.exec(argv, { check: true });
  } catch (error) {
    await sandbox.stop();
    throw error;
  }
}

async function runIn(
  sandbox: Sandbox,
  argv: readonly string[],
  { flags, carrier, interruption }: { flags: RunFlags; carrier: Carrier; interruption: Interruption },
): Promise<CommandExit> {
  const { terminal, input } = carrier;
  let command: Command;
  try {
    command = await sandbox.spawn(argv, {
      ...(terminal === undefined ? { stdin: input } : { pty: terminal }),
      env: programEnvironment(terminal !== undefined),
      ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout }),
    });
  } catch (error) {
    if (!SandboxError.is(error, "EXEC_FAILED")) throw new ExitError(EXIT.sandbox, error);
    if (error.details.errno !== "ENOENT") throw new ExitError(EXIT.notExecutable, error);
    const { installedHint } = await import("./installed.ts");
    const hint = await installedHint(argv[0] ?? "", sandbox.enforcement.runtime, flags);
    throw new ExitError(
      EXIT.notFound,
      hint === undefined ? error : new HintedError(`Cannot find "${argv[0]}" in the sandbox`, hint),
    );
  }
  await using running = command;
  return await carrier.carry(sandbox, running, interruption);
}
