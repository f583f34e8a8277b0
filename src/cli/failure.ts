/**
 * From an error to what a person reads and a script sees.
 *
 * @module
 */
import { CommanderError } from "commander";
import { escapeControl } from "../audit/display.ts";
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

/** An error that another process has reported, with its hint. */
export class HintedError extends Error {
  override readonly name = "HintedError";
  readonly hint: string | undefined;

  constructor(message: string, hint: string | undefined) {
    super(message);
    this.hint = hint;
  }
}

/** What is said of an error. */
export interface Failure {
  readonly message: string;
  readonly hint?: string;
  readonly exitCode: number;
}

/** What there is to say of it. */
export function failureOf(error: unknown): Failure {
  const cause = error instanceof ExitError ? error.cause : error;
  const message = cause instanceof Error ? cause.message : String(cause);
  const hint = SandboxError.is(cause) || cause instanceof HintedError ? cause.hint : undefined;
  return { message, ...(hint === undefined ? {} : { hint }), exitCode: exitCodeOf(error, cause) };
}

function exitCodeOf(error: unknown, cause: unknown): number {
  if (error instanceof ExitError) return error.exitCode;
  return error instanceof UsageError ||
    SandboxError.is(cause, "ARGUMENT_INVALID") ||
    SandboxError.is(cause, "RECIPE_PARAMS_INVALID")
    ? EXIT.usage
    : EXIT.problem;
}

/** Says what went wrong, in one line and a hint; the exit code. */
export function failed(error: unknown): number {
  // It has said so itself.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const style = styleOf(process.stderr);
  const { message, hint, exitCode } = failureOf(error);
  // Files that came with a project, and programs, have a say in errors about them.
  note(`${style("red", "cofferdam:")} ${escapeControl(message)}`);
  if (hint !== undefined) note(style("dim", `  ${escapeControl(hint)}`));
  return exitCode;
}
