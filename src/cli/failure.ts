/**
 * From an error to what a person reads and a script sees.
 *
 * @module
 */
import { CommanderError } from "commander";
import { SandboxError } from "../errors.ts";
import { EXIT } from "./exit-codes.ts";
import { styleOf } from "./style.ts";
import { note } from "./write.ts";

/** The command line cannot be used as it was written. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** An error with an exit code of its own. */
export class ExitError extends Error {
  override readonly name = "ExitError";
  readonly exitCode: number;

  constructor(exitCode: number, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.exitCode = exitCode;
  }
}

/** Says what went wrong, in one line and a hint; the exit code. */
export function failed(error: unknown): number {
  // It has said so itself.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const style = styleOf(process.stderr);
  const cause = error instanceof ExitError ? error.cause : error;
  note(`${style("red", "cofferdam:")} ${cause instanceof Error ? cause.message : String(cause)}`);
  if (SandboxError.is(cause) && cause.hint !== undefined) note(style("dim", `  ${cause.hint}`));
  if (error instanceof ExitError) return error.exitCode;
  if (error instanceof UsageError || SandboxError.is(cause, "ARGUMENT_INVALID")) return EXIT.usage;
  return EXIT.problem;
}
