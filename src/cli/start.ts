/**
 * One call of the command line.
 *
 * @module
 */
import { failed } from "./failure.ts";
import { buildProgram } from "./program.ts";

/** Does what the arguments say; the exit code is set. */
export async function start(): Promise<void> {
  try {
    await buildProgram().parseAsync();
  } catch (error) {
    process.exitCode = failed(error);
  }
}
