/**
 * A question to the person at the terminal.
 *
 * @module
 */
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/** How long what was typed ahead, or a terminal's own answers, may take to come, in milliseconds. */
const AHEAD_MS = 150;

/**
 * Ends what a program may have left behind in the terminal: colours, another screen, a part of the screen that alone scrolls,
 * reports of the mouse (DECSTR and DEC private modes, xterm's control sequences).
 */
const RESET = "\u001b[!p\u001b[0m\u001b[?1049l\u001b[?1000;1002;1003;1006;2004l\u000f";

/** Makes the terminal fit for a question: what was typed for a program is no answer to it. */
export async function clearTerminal(): Promise<void> {
  const { stdin, stderr } = process;
  stderr.write(RESET);
  const drop = () => undefined;
  stdin.setRawMode(true);
  stdin.on("data", drop).resume();
  await sleep(AHEAD_MS);
  stdin.off("data", drop).pause();
  stdin.setRawMode(false);
}

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
