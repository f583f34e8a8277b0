/**
 * A question to the person at the terminal.
 *
 * @module
 */
import { createInterface } from "node:readline";

/** Asks; undefined: the input ended, or Ctrl-C was typed. */
export function askLine(question: string, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: true });
    const finish = (answer: string | undefined): void => {
      signal.removeEventListener("abort", abort);
      // First: closing says that it is over, too.
      resolve(answer);
      lines.close();
    };
    const abort = () => finish(undefined);
    signal.addEventListener("abort", abort, { once: true });
    lines.once("SIGINT", () => {
      process.stderr.write("\n");
      finish(undefined);
    });
    lines.once("close", () => finish(undefined));
    lines.question(question, finish);
  });
}
