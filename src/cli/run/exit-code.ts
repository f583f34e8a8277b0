/**
 * The exit code of a program that ran elsewhere.
 *
 * @module
 */
import { constants } from "node:os";
import { SIGNAL_BASE } from "../exit-codes.ts";

/** What a shell would say of it. */
export function exitCodeOf(exit: { readonly exitCode: number | null; readonly signal: string | null }): number {
  if (exit.exitCode !== null) return exit.exitCode;
  const numbers: Readonly<Record<string, number>> = constants.signals;
  return SIGNAL_BASE + (numbers[exit.signal ?? "SIGKILL"] ?? 9);
}
