/**
 * A question to the person at this process's terminal.
 *
 * @module
 */
import { askLine as askLineAt, clearTerminal as clear } from "../../approvals/terminal/ask-line.ts";

/** Of a program that has ended, another screen is left behind as well. */
const LEAVE_SCREEN = "\u001b[0m\u001b[?1049l";

const streams = () => ({ input: process.stdin, output: process.stderr });

/** Makes the terminal fit for a question after the program: what was typed for that is no answer. */
export async function clearTerminal(): Promise<void> {
  process.stderr.write(LEAVE_SCREEN);
  await clear(streams());
}

/** Asks; undefined: the input ended, or Ctrl-C was typed. */
export function askLine(question: string, signal: AbortSignal): Promise<string | undefined> {
  return askLineAt(streams(), question, signal);
}
